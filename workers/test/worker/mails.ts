import { inject } from 'vitest'

export type Mail = {
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Everything in the mailbox, newest first. */
export async function allMails(): Promise<Mail[]> {
  return (await (await fetch(`${inject('mailboxUrl')}/api/messages`)).json()) as Mail[]
}

export async function mailsTo(address: string): Promise<Mail[]> {
  return (await allMails()).filter(({ to }) => to === address)
}

/** Notices have none. */
export const hasCode = ({ text }: Mail) => /\b\d{8}\b/.test(text)
