import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { readFormPost } from '../http/form-post.ts'
import { circumstancesOf, mailLater } from '../http/mail-later.ts'
import { answerWithPage } from '../http/page-errors.tsx'
import { mailPasskey, mailReportEnded } from '../http/passkey-mail.ts'
import { presentedPerson, signInFirst } from '../http/person.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { frameOf } from '../http/transaction-pages.tsx'
import { lostPasskeysMail } from '../pages/mails.ts'
import { exactMoment } from '../pages/moment.tsx'
import { assertNever, refused } from '../protocol/errors.ts'
import { keepPasskeys, removeLostPasskeys, reportLostPasskeys } from '../store/lost-passkeys.ts'

const here = '/account/passkeys'

/**
 * The way of who has lost all passkeys (THREATS J22, C7): signed in by a code, ask for their removal, wait, and confirm it. Whoever
 * still has one, or reads the mail, can stop it until then.
 */
export const lostPasskeysRoute = new Hono<AppEnv>()
  .post('/account/passkeys/lost', rateLimit('RATE_CONSENT', 'account'), decide)
  .onError(answerWithPage)

async function decide(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'lost_passkeys')
  if (post instanceof Response) return post
  switch (post.fields.get('act')) {
    case 'report':
      return report(c)
    case 'keep':
      return keep(c)
    case 'remove':
      return remove(c)
    default:
      throw refused('form_malformed')
  }
}

async function report(c: Context<AppEnv>): Promise<Response> {
  const { store, config, requestFacts } = c.var
  const reported = await reportLostPasskeys(store, {
    ...(await presentedPerson(c)),
    p_fresh_seconds: config.lifetimes.fresh_sign_in_seconds,
    p_wait_seconds: config.lifetimes.passkey_wait_seconds,
    p_confirm_seconds: config.lifetimes.passkey_confirm_seconds,
    p_request: requestFacts,
  })
  switch (reported.outcome) {
    case 'reported': {
      const frame = frameOf(c)
      const removable = exactMoment(reported.removable_at_seconds, frame.messages.language)
      mailLater(c, reported.email, lostPasskeysMail(frame, { removable, ...circumstancesOf(c, frame) }))
      return c.redirect(`${here}?done=reported`, 303)
    }
    case 'already_reported':
    case 'none':
      return c.redirect(here, 303)
    case 'not_fresh':
    case 'sign_in':
      return signInFirst(c, reported, here)
    default:
      return assertNever(reported)
  }
}

async function keep(c: Context<AppEnv>): Promise<Response> {
  const kept = await keepPasskeys(c.var.store, { ...(await presentedPerson(c)), p_request: c.var.requestFacts })
  if (kept.outcome === 'sign_in') return signInFirst(c, kept, here)
  if (kept.outcome === 'none') return c.redirect(here, 303)
  mailReportEnded(c, kept.email, 'kept')
  return c.redirect(`${here}?done=kept`, 303)
}

async function remove(c: Context<AppEnv>): Promise<Response> {
  const removed = await removeLostPasskeys(c.var.store, {
    ...(await presentedPerson(c)),
    p_fresh_seconds: c.var.config.lifetimes.fresh_sign_in_seconds,
    p_request: c.var.requestFacts,
  })
  switch (removed.outcome) {
    case 'removed':
      mailPasskey(c, removed.email, { kind: 'lost' })
      return c.redirect(`${here}?done=lost`, 303)
    // The page says how things stand.
    case 'not_due':
      return c.redirect(here, 303)
    case 'not_fresh':
    case 'sign_in':
      return signInFirst(c, removed, here)
    default:
      return assertNever(removed)
  }
}
