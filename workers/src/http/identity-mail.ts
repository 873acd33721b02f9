import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { identityMail } from '../pages/mails.ts'
import { hostOf } from './consent-view.ts'
import { circumstancesOf, mailLater } from './mail-later.ts'
import { frameOf } from './transaction-pages.tsx'

/** What the operator calls who vouches there; the host of one that is not configured any more. */
export function providerName(c: Context<AppEnv>, issuer: string): string {
  return c.var.providers.find((provider) => provider.issuer === issuer)?.name ?? hostOf(issuer)
}

export type IdentityChange = { readonly email: string; readonly issuer: string }

/** Tells the person of an account elsewhere that came or went (THREATS J22). */
export function mailIdentity(c: Context<AppEnv>, kind: 'linked' | 'unlinked', { email, issuer }: IdentityChange): void {
  const frame = frameOf(c)
  const facts = { provider: providerName(c, issuer), ...circumstancesOf(c, frame) }
  mailLater(c, email, identityMail(frame, kind, facts))
}
