import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { theftMail } from '../pages/mails.ts'
import type { TheftNotice } from '../store/rows.ts'
import { frameIn, mailLater } from './mail-later.ts'

/** Tells a person of a suspected theft. */
export function mailTheft(c: Context<AppEnv>, { email, language, server_host }: TheftNotice): void {
  mailLater(c, email, theftMail(frameIn(c, language), server_host))
}
