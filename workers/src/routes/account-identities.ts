import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { readFormPost } from '../http/form-post.ts'
import { mailIdentity } from '../http/identity-mail.ts'
import { messagesOf } from '../http/language.ts'
import { answerWithPage, deadEnd } from '../http/page-errors.tsx'
import { presentedPerson, signInFirst } from '../http/person.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { refused } from '../protocol/errors.ts'
import { removeIdentity } from '../store/identities.ts'

const here = '/account/passkeys'

/** Accounts elsewhere that stand for this one: they are linked by a sign-in, and unlinked here. */
export const accountIdentitiesRoute = new Hono<AppEnv>()
  .post('/account/passkeys/unlink', rateLimit('RATE_CONSENT', 'account'), unlink)
  .onError(answerWithPage)

async function unlink(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'unlink')
  if (post instanceof Response) return post
  const id = post.fields.get('identity') ?? ''
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw refused('form_malformed')
  const removed = await removeIdentity(c.var.store, {
    ...(await presentedPerson(c)),
    p_fresh_seconds: c.var.config.lifetimes.fresh_sign_in_seconds,
    p_identity_id: id,
    p_request: c.var.requestFacts,
  })
  if (removed.outcome === 'removed') {
    mailIdentity(c, 'unlinked', removed)
    return c.redirect(`${here}?done=unlinked`, 303)
  }
  if (removed.outcome === 'not_found') {
    return deadEnd(c, refused('identity_not_found'), { next: { href: here, label: messagesOf(c).add_passkey.back } })
  }
  return signInFirst(c, removed, here)
}
