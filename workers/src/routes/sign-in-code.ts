import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { digestsToCompare, emailCodeValue } from '../crypto/digest.ts'
import { knownDevice, rememberDevice } from '../http/device.ts'
import { type FormPost, readFormPost } from '../http/form-post.ts'
import { gone } from '../http/gone.ts'
import { mailIdentity } from '../http/identity-mail.ts'
import { languageOf, messagesOf } from '../http/language.ts'
import { circumstancesOf, mailLater } from '../http/mail-later.ts'
import { answerWithPage, deadEnd } from '../http/page-errors.tsx'
import { rateLimit } from '../http/rate-limit.ts'
import { see, seeAddressed } from '../http/read-transaction.ts'
import { newSession, writeSession } from '../http/session.ts'
import { codeAnswer, frameOf, pagePath } from '../http/transaction-pages.tsx'
import { fillText } from '../pages/fill.tsx'
import { signInMail } from '../pages/mails.ts'
import type { Messages } from '../pages/messages/en.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import { type VerifyEmailCodeOutcome, verifyEmailCode } from '../store/email-codes.ts'

/** The second page of a sign-in: the code from the mail, five tries (SECURITY §15). */
export const signInCodeRoute = new Hono<AppEnv>()
  .get('/sign-in/code', showCode)
  .post('/sign-in/code', rateLimit('RATE_CODE_CHECK'), checkCode)
  .onError(answerWithPage)

async function showCode(c: Context<AppEnv>): Promise<Response> {
  const seen = await seeAddressed(c)
  if (seen === undefined) return c.redirect('/sign-in', 303)
  const { read, transaction, viewer } = seen
  if (read.outcome === 'transaction_gone') return deadEnd(c, gone(read.reason))
  if (read.outcome === 'consent') return c.redirect(pagePath('/consent', transaction), 303)
  if (read.outcome === 'page') return c.redirect(read.page, 303)
  const isSpent = read.attempts_left !== undefined && read.attempts_left <= 0
  return codeAnswer(c, {
    viewer,
    transaction,
    email: read.email ?? null,
    linkingIssuer: read.linking_issuer,
    ...(isSpent && { usable: false, problem: messagesOf(c).code.exhausted }),
  })
}

async function checkCode(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'code')
  if (post instanceof Response) return post
  const code = c.var.signIn.readCode(post.fields.get('code') ?? '')
  // What cannot be a code costs no try.
  if (code === undefined)
    return codeProblem(c, post, { reason: 'email_code_wrong', problem: messagesOf(c).code.malformed })
  const { config, store, requestFacts } = c.var
  const session = await newSession(c)
  const verified = await verifyEmailCode(store, {
    p_transaction_id: post.transaction,
    p_browser_digests: post.browser.digests,
    p_code_digests: await digestsToCompare(config.tokenPeppers, 'email_code', emailCodeValue(post.transaction, code)),
    p_old_session_digests: post.session.digests,
    p_session_digest: session.stored.digest,
    p_kid: session.stored.kid,
    p_lifetimes: config.lifetimes,
    p_limits: config.limits,
    p_request: { ...requestFacts, language: languageOf(c) },
  })
  if (verified.outcome !== 'verified') return codeRefused(c, post, verified)
  writeSession(c, session)
  await tellOfNewDevice(c, verified)
  if (verified.linked_issuer !== undefined) mailIdentity(c, 'linked', { ...verified, issuer: verified.linked_issuer })
  await rememberDevice(c, verified.email)
  return c.redirect(verified.page ?? pagePath('/consent', post.transaction), 303)
}

type Verified = Extract<VerifyEmailCodeOutcome, { outcome: 'verified' }>

/** Whoever relays a code gets in (SECURITY §16): the person learns of each browser that was not known before (C7). */
async function tellOfNewDevice(c: Context<AppEnv>, verified: Verified): Promise<void> {
  const device = await knownDevice(c, verified.email)
  if (device !== null && device.signed_at_seconds >= (verified.devices_forgotten_at_seconds ?? 0)) return
  const frame = frameOf(c)
  mailLater(c, verified.email, signInMail(frame, circumstancesOf(c, frame)))
}

type Refusal = Exclude<VerifyEmailCodeOutcome, { outcome: 'verified' }>

function wrongText(text: Messages['code'], attemptsLeft: number): string {
  return attemptsLeft === 1 ? text.wrong_one : fillText(text.wrong_many, { attempts: attemptsLeft.toString() })
}

function codeRefused(c: Context<AppEnv>, post: FormPost, refusal: Refusal): Promise<Response> {
  const text = messagesOf(c).code
  switch (refusal.outcome) {
    case 'transaction_gone':
      return deadEnd(c, gone(refusal.reason))
    case 'account_disabled':
      return deadEnd(c, refused('sign_in_disabled'))
    case 'switched_off':
      return deadEnd(c, refused('email_sign_in_off'))
    case 'limited':
      return codeProblem(c, post, { reason: 'email_code_limited', problem: text.limited, usable: false, status: 429 })
    case 'expired':
      return codeProblem(c, post, { reason: 'email_code_expired', problem: text.expired, usable: false })
    case 'exhausted':
      return codeProblem(c, post, { reason: 'email_code_exhausted', problem: text.exhausted, usable: false })
    case 'wrong':
      return codeProblem(c, post, { reason: 'email_code_wrong', problem: wrongText(text, refusal.attempts_left) })
    case 'not_sent':
      // A limit may have held the mail back; saying so would tell more than the page before did (C6).
      return codeProblem(c, post, { reason: 'email_code_not_sent', problem: text.wrong })
    default:
      return assertNever(refusal)
  }
}

type Problem = {
  readonly reason: string
  readonly problem: string
  readonly usable?: false
  readonly status?: 429
}

/** The same page again, with what is wrong above the field. */
async function codeProblem(c: Context<AppEnv>, post: FormPost, problem: Problem): Promise<Response> {
  const { read, viewer } = await see(c, post.transaction)
  if (read.outcome === 'transaction_gone') return deadEnd(c, gone(read.reason))
  if (read.outcome === 'page') return c.redirect(read.page, 303)
  const { reason, ...shown } = problem
  c.set('reason', reason)
  return codeAnswer(c, {
    viewer,
    transaction: post.transaction,
    email: read.email ?? null,
    linkingIssuer: read.linking_issuer,
    ...shown,
    status: shown.status ?? 400,
  })
}
