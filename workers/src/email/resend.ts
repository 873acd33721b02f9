import { postMail, type SendEmail } from './send-email.ts'

export type ResendSettings = { readonly apiKey: string; readonly from: string; readonly fetchUrl: typeof fetch }

const url = 'https://api.resend.com/emails'

/** Sends through Resend's HTTP API. */
export function resendSender({ apiKey, from, fetchUrl }: ResendSettings): SendEmail {
  const carrier = { name: 'Resend', url, secret: apiKey, fetchUrl }
  return ({ to, ...parts }) => postMail(carrier, { from, to: [to], ...parts })
}
