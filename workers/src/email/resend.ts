import { postMail, type SendEmail } from './send-email.ts'

export type ResendSettings = { readonly apiKey: string; readonly from: string }

const endpoint = 'https://api.resend.com/emails'

/** Sends through Resend's HTTP API. */
export function resendSender({ apiKey, from }: ResendSettings): SendEmail {
  return ({ to, subject, text }) => postMail('Resend', endpoint, apiKey, { from, to: [to], subject, text })
}
