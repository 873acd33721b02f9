import { postMail, type SendEmail } from './send-email.ts'

export type WebhookSettings = { readonly url: string; readonly secret: string }

/** Hands each mail to an endpoint of the operator's, or to the local mailbox. */
export function webhookSender({ url, secret }: WebhookSettings): SendEmail {
  return ({ to, subject, text }) => postMail('The mail webhook', url, secret, { to, subject, text })
}
