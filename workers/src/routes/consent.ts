import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { errorToClient } from '../http/client-redirect.tsx'
import { type FormPost, readFormPost } from '../http/form-post.ts'
import { gone } from '../http/gone.ts'
import { messagesOf } from '../http/language.ts'
import { circumstancesOf, mailLater } from '../http/mail-later.ts'
import { type CandidateCode, newCandidateCode } from '../http/new-code.ts'
import { answerWithPage, deadEnd } from '../http/page-errors.tsx'
import { provenRedirect } from '../http/proven-redirect.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { seeAddressed } from '../http/read-transaction.ts'
import { consentAnswer, frameOf, pagePath } from '../http/transaction-pages.tsx'
import { connectionMail } from '../pages/mails.ts'
import { successRedirect } from '../protocol/authorization-response.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import { isReason } from '../protocol/reasons.ts'
import type { ClientSnapshot } from '../store/rows.ts'
import { type DecideConsentOutcome, decideConsent } from '../store/transactions.ts'

/** The person's decision (SECURITY §8 to §13). */
export const consentRoute = new Hono<AppEnv>()
  .get('/consent', showConsent)
  .post('/consent', rateLimit('RATE_CONSENT'), takeDecision)
  .onError(answerWithPage)

async function showConsent(c: Context<AppEnv>): Promise<Response> {
  const seen = await seeAddressed(c)
  if (seen === undefined) return c.redirect('/sign-in', 303)
  const { read, transaction, viewer } = seen
  switch (read.outcome) {
    case 'transaction_gone':
      return deadEnd(c, gone(read.reason))
    case 'sign_in':
    case 'page_sign_in':
    case 'page':
      return c.redirect(pagePath('/sign-in', transaction), 303)
    case 'consent':
      return consentAnswer(c, read.transaction, { viewer })
    default:
      return assertNever(read)
  }
}

async function takeDecision(c: Context<AppEnv>): Promise<Response> {
  const post = await readFormPost(c, 'consent')
  if (post instanceof Response) return post
  const decision = post.fields.get('decision')
  if (decision === 'none') return c.redirect(pagePath('/consent', post.transaction), 303)
  if (decision !== 'approve' && decision !== 'deny') throw refused('form_malformed')
  const candidate = await newCandidateCode(c)
  const { config, store, requestFacts } = c.var
  // Redirect URI, client, state and account are the transaction's: whatever else a form holds is not read (A28).
  const decided = await decideConsent(store, {
    p_transaction_id: post.transaction,
    p_browser_digests: post.browser.digests,
    p_session_digests: post.session.digests,
    p_session_idle_seconds: config.lifetimes.session_idle_seconds,
    p_decision: decision,
    p_scopes: post.fields.all('scope'),
    p_connection_id: candidate.connection_id,
    p_code_digest: candidate.code_digest,
    p_kid: candidate.kid,
    p_lifetimes: config.lifetimes,
    p_request: requestFacts,
  })
  return answerDecision(c, post, { decided, candidate })
}

type Decided = { readonly decided: DecideConsentOutcome; readonly candidate: CandidateCode }

function answerDecision(
  c: Context<AppEnv>,
  post: FormPost,
  { decided, candidate }: Decided,
): Promise<Response> | Response {
  const next = { href: pagePath('/consent', post.transaction), label: messagesOf(c).error.open_current_page }
  switch (decided.outcome) {
    case 'approved': {
      tellOfNewClient(c, decided)
      const redirect = proveAgain(c, decided)
      const { issuer } = c.var.config
      return c.redirect(successRedirect(redirect, { issuer, state: decided.state, code: candidate.code }), 303)
    }
    case 'denied':
      return errorToClient(c, {
        redirect: proveAgain(c, decided),
        state: decided.state,
        error: refused('consent_denied'),
      })
    case 'transaction_gone':
      return deadEnd(c, gone(decided.reason))
    case 'sign_in':
      return c.redirect(pagePath('/sign-in', post.transaction), 303)
    case 'scope_not_requested':
      return deadEnd(c, refused('scope_not_requested'), { next })
    case 'refused':
      return deadEnd(c, refused(isReason(decided.reason) ? decided.reason : 'server_error'))
    case 'limited': {
      const { retry_after_seconds: retryAfterSeconds } = decided
      return deadEnd(c, refused('rate_limited', undefined, { retryAfterSeconds }), { next })
    }
    default:
      return assertNever(decided)
  }
}

type Approved = Extract<DecideConsentOutcome, { outcome: 'approved' }>

/** The first connection of a client for this person; a name of its own choice is not repeated (SECURITY §16). */
function tellOfNewClient(c: Context<AppEnv>, { first_connection, client }: Approved): void {
  if (first_connection === undefined) return
  const { email, kind, server_host: serverHost } = first_connection
  const frame = frameOf(c)
  const mail = connectionMail(frame, {
    ...circumstancesOf(c, frame),
    client: client.kind === 'pre_registered' ? client.client_name : undefined,
    kind,
    serverHost,
  })
  mailLater(c, email, mail)
}

/** What is stored is proven again before anything is sent to it (ARCHITECTURE decision 10). */
function proveAgain(c: Context<AppEnv>, decided: { readonly client: ClientSnapshot; readonly redirect_uri: string }) {
  return provenRedirect(c, decided.client, decided.redirect_uri)
}
