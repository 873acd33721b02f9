import { postMail, type SendEmail } from './send-email.ts'

export type WebhookSettings = { readonly url: string; readonly secret: string; readonly fetchUrl: typeof fetch }

/** Hands each mail to an endpoint of the operator's, or to the local mailbox. */
export function webhookSender(settings: WebhookSettings): SendEmail {
  const carrier = { name: 'The mail webhook', ...settings }
  return (message) => postMail(carrier, message)
}
