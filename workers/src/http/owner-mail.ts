import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { type OwnerMail, ownerMail } from '../pages/mails.ts'
import type { Notice } from '../store/rows.ts'
import { frameIn, mailLater } from './mail-later.ts'

/** Tells an owner what was done with a server or in the account (THREATS J22); nobody where no account is concerned. */
export function tellOwner(
  c: Context<AppEnv>,
  notice: Notice,
  mail: OwnerMail,
  facts: Readonly<Record<string, string>> = {},
): void {
  if (notice === undefined) return
  mailLater(c, notice.email, ownerMail(frameIn(c, notice.language), mail, facts))
}
