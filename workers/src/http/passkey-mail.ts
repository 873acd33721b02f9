import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { type PasskeyMailFacts, passkeyMail, reportEndedMail } from '../pages/mails.ts'
import { exactMoment } from '../pages/moment.tsx'
import { circumstancesOf, mailLater } from './mail-later.ts'
import { frameOf } from './transaction-pages.tsx'

export type PasskeyChange = Pick<PasskeyMailFacts, 'kind'> & { readonly settlesAtSeconds?: number | undefined }

/** Tells the person of a passkey that came or went (THREATS J22). */
export function mailPasskey(c: Context<AppEnv>, email: string, { kind, settlesAtSeconds }: PasskeyChange): void {
  const frame = frameOf(c)
  const settles = settlesAtSeconds === undefined ? undefined : exactMoment(settlesAtSeconds, frame.messages.language)
  mailLater(c, email, passkeyMail(frame, { kind, settles, ...circumstancesOf(c, frame) }))
}

/** Tells whoever waits for the removal of lost passkeys that the wait is over, and why (THREATS J22, C7). */
export function mailReportEnded(c: Context<AppEnv>, email: string, by: 'kept' | 'used' | 'changed'): void {
  const frame = frameOf(c)
  mailLater(c, email, reportEndedMail(frame, by, circumstancesOf(c, frame)))
}
