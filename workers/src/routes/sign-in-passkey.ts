import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { rememberDevice } from '../http/device.ts'
import { type FormPost, readFormPost } from '../http/form-post.ts'
import { gone } from '../http/gone.ts'
import { languageOf, messagesOf } from '../http/language.ts'
import { answerWithPage, deadEnd } from '../http/page-errors.tsx'
import { mailReportEnded } from '../http/passkey-mail.ts'
import { isPasskeyChallenge, relyingParty, rememberPasskeyUse } from '../http/passkeys.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { see } from '../http/read-transaction.ts'
import { newSession, writeSession } from '../http/session.ts'
import { pagePath, signInAnswer } from '../http/transaction-pages.tsx'
import { type AuthenticationAnswer, readAuthentication, verifyPasskeyAnswer } from '../identity/passkey.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import {
  type TakePasskeyChallengeOutcome,
  takePasskeyChallenge,
  type VerifyPasskeyOutcome,
  verifyPasskey,
} from '../store/passkeys.ts'

/** A sign-in by passkey, from the page that asked for one (WebAuthn Level 3 §7.2). */
export const signInPasskeyRoute = new Hono<AppEnv>()
  .post('/sign-in/passkey', rateLimit('RATE_CODE_CHECK'), checkPasskey)
  .onError(answerWithPage)

async function checkPasskey(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'passkey')
  if (post instanceof Response) return post
  const answer = readAuthentication(post.fields.get('credential') ?? '')
  if (answer === undefined) throw refused('form_malformed')
  const taken = await takePasskeyChallenge(c.var.store, {
    p_transaction_id: post.transaction,
    p_browser_digests: post.browser.digests,
    p_credential_id: answer.id,
    p_request: c.var.requestFacts,
  })
  switch (taken.outcome) {
    case 'transaction_gone':
      return deadEnd(c, gone(taken.reason))
    case 'passkey_unknown':
      return askAgain(c, post, 'passkey_unknown')
    case 'taken':
      return finish(c, post, { taken, answer })
    default:
      return assertNever(taken)
  }
}

type Taken = Extract<TakePasskeyChallengeOutcome, { outcome: 'taken' }>
type Answered = { readonly taken: Taken; readonly answer: AuthenticationAnswer }

/** What the answer proves; null when that is nothing. */
function proofOf(c: Context<AppEnv>, post: FormPost, { taken, answer }: Answered) {
  const party = relyingParty(c)
  if (party === undefined) return undefined
  const round = { browser: post.browser.value, transaction: post.transaction, round: taken.passkey_round }
  const isChallenge = (presented: string) => isPasskeyChallenge(c, round, presented)
  return verifyPasskeyAnswer({ ...taken.passkey, party, isChallenge }, answer)
}

async function finish(c: Context<AppEnv>, post: FormPost, answered: Answered): Promise<Response> {
  const { config, store, requestFacts } = c.var
  const proof = await proofOf(c, post, answered)
  const session = await newSession(c)
  const verified = await verifyPasskey(store, {
    p_transaction_id: post.transaction,
    p_browser_digests: post.browser.digests,
    p_passkey_id: answered.taken.passkey.passkey_id,
    p_proof: proof ?? null,
    p_reason: proof === undefined ? 'passkey_refused' : null,
    p_old_session_digests: post.session.digests,
    p_session_digest: session.stored.digest,
    p_kid: session.stored.kid,
    p_lifetimes: config.lifetimes,
    p_request: { ...requestFacts, language: languageOf(c) },
  })
  if (verified.outcome !== 'verified') return passkeyRefused(c, post, verified)
  writeSession(c, session)
  rememberPasskeyUse(c)
  await rememberDevice(c, verified.email)
  if (verified.report_ended) mailReportEnded(c, verified.email, 'used')
  return c.redirect(verified.page ?? pagePath('/consent', post.transaction), 303)
}

type Refusal = Exclude<VerifyPasskeyOutcome, { outcome: 'verified' }>

function passkeyRefused(c: Context<AppEnv>, post: FormPost, refusal: Refusal): Promise<Response> {
  switch (refusal.outcome) {
    case 'transaction_gone':
      return deadEnd(c, gone(refusal.reason))
    case 'account_disabled':
      return deadEnd(c, refused('sign_in_disabled'))
    case 'refused':
      return askAgain(c, post, 'passkey_refused')
    case 'passkey_unknown':
      return askAgain(c, post, 'passkey_unknown')
    default:
      return assertNever(refusal)
  }
}

/** The sign-in page again, with a challenge of its own. */
async function askAgain(
  c: Context<AppEnv>,
  post: FormPost,
  reason: 'passkey_refused' | 'passkey_unknown',
): Promise<Response> {
  const { read, viewer } = await see(c, post.transaction)
  if (read.outcome === 'transaction_gone') return deadEnd(c, gone(read.reason))
  if (read.outcome === 'page') return c.redirect(read.page, 303)
  c.set('reason', reason)
  const text = messagesOf(c).passkey
  const problem = reason === 'passkey_unknown' ? text.unknown : text.refused
  return signInAnswer(c, read.transaction, { viewer, problem, status: 400 })
}
