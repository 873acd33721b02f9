import { type Context, Hono } from 'hono'
import { snapshotOf } from '../clients/client-snapshot.ts'
import type { AppEnv } from '../context.ts'
import { newTransactionId } from '../crypto/random.ts'
import { readBodyText } from '../http/body.ts'
import { ensureBrowser } from '../http/browser.ts'
import { errorToClient } from '../http/client-redirect.tsx'
import { isFormEncoded } from '../http/csrf.ts'
import { knownClient } from '../http/known-client.ts'
import { rememberLocales } from '../http/language.ts'
import { newCandidateCode } from '../http/new-code.ts'
import { answerWithPage, deadEnd } from '../http/page-errors.tsx'
import { provenRedirect } from '../http/proven-redirect.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { verifyOnTheSpot } from '../http/server-verification.ts'
import { readSession } from '../http/session.ts'
import { consentAnswer, signInAnswer } from '../http/transaction-pages.tsx'
import {
  type AuthorizationRequest,
  parseAuthorizationRequest,
  readClientId,
  readState,
} from '../protocol/authorization-request.ts'
import { successRedirect } from '../protocol/authorization-response.ts'
import type { Client } from '../protocol/client-metadata.ts'
import { assertNever, OAuthError, refused } from '../protocol/errors.ts'
import { type Parameters, parametersFrom } from '../protocol/parameters.ts'
import { isReason, reasons } from '../protocol/reasons.ts'
import type { TrustedRedirect } from '../protocol/redirect-uri.ts'
import { type AuthorizationRow, type OpenTransactionOutcome, openTransaction } from '../store/transactions.ts'

/** The authorization endpoint (OAuth 2.1 §4.1.1). */
export const authorizeRoute = new Hono<AppEnv>()
  .get('/authorize', rateLimit('RATE_AUTHORIZE'), authorize)
  .post('/authorize', rateLimit('RATE_AUTHORIZE'), continueAsGet)
  .onError(answerWithPage)

/** THREATS A26; the longest client_id and state fit. */
const queryLimitCharacters = 8_192

type Proven = {
  readonly client: Client
  readonly redirect: TrustedRedirect
  readonly parameters: Parameters
}

async function authorize(c: Context<AppEnv>): Promise<Response> {
  const { search, searchParams } = new URL(c.req.url)
  if (search.length > queryLimitCharacters) throw refused('request_too_large')
  const parameters = parametersFrom(searchParams)
  rememberLocales(c, parameters.get('ui_locales'))
  // Client and redirect URI first: until both are proven an error is our page, never a redirect (RFC 6749 §4.1.2.1).
  const client = await knownClient(c, readClientId(parameters))
  const redirect = provenRedirect(c, client, parameters.get('redirect_uri'))
  try {
    return await open(c, { client, redirect, parameters })
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    return errorToClient(c, { redirect, error, state: stateForError(parameters) })
  }
}

/** The state an error carries; none when the state itself is what is wrong. */
function stateForError(parameters: Parameters): string | undefined {
  try {
    return readState(parameters)
  } catch {
    return undefined
  }
}

async function open(c: Context<AppEnv>, { client, redirect, parameters }: Proven): Promise<Response> {
  const { config, store, requestFacts } = c.var
  const request = parseAuthorizationRequest(parameters, config)
  const browser = await ensureBrowser(c)
  const session = await readSession(c)
  const candidate = await newCandidateCode(c)
  const p_client = await snapshotOf(client)
  const attempt = () =>
    openTransaction(store, {
      p_transaction_id: newTransactionId(),
      p_browser_digests: browser.digests,
      p_browser_digest: browser.stored.digest,
      p_kid: browser.stored.kid,
      p_session_digests: session.digests,
      p_client,
      p_authorization: authorizationRow(c, request, redirect),
      p_connection_id: candidate.connection_id,
      p_code_digest: candidate.code_digest,
      p_lifetimes: config.lifetimes,
      p_max_open_transactions: config.limits.open_transactions,
      p_request: requestFacts,
    })
  const first = await attempt()
  const opened = (await isProvenNow(c, first)) ? await attempt() : first
  const viewer = { browser: browser.value, session: session.value }
  return answerOpened(c, { opened, viewer, redirect, code: candidate.code })
}

/**
 * A server whose URL nobody has proven yet gets its chance on the spot (HTTP-API "Proof of server_url").
 * @throws OAuthError invalid_target that tells what was seen
 */
async function isProvenNow(c: Context<AppEnv>, opened: OpenTransactionOutcome): Promise<boolean> {
  if (opened.outcome !== 'invalid_target' || opened.server_url === undefined) return false
  const verification = await verifyOnTheSpot(c, opened.server_url)
  if (verification?.outcome === 'failed') throw unproven(verification.seen)
  return verification !== undefined
}

function unproven(seen: string): OAuthError {
  const description = `${reasons.resource_unverified.what_happened}. ${seen}`
  return refused('resource_unverified', description, { cause: new Error(seen) })
}

function authorizationRow(
  c: Context<AppEnv>,
  request: AuthorizationRequest,
  redirect: TrustedRedirect,
): AuthorizationRow {
  const { resource, ...rest } = request
  return {
    ...rest,
    redirect_uri: redirect.redirect_uri,
    resource: resource?.resource,
    resource_candidates: resource?.candidates ?? [],
    resource_is_origin: resource?.is_origin ?? false,
    issuer: c.var.config.issuer,
    redirect_trust: redirect.trust,
  }
}

type Opened = {
  readonly opened: OpenTransactionOutcome
  readonly viewer: { readonly browser: string; readonly session: string }
  readonly redirect: TrustedRedirect
  readonly code: string
}

/** @throws OAuthError for what the client is to be told */
function answerOpened(c: Context<AppEnv>, { opened, viewer, redirect, code }: Opened): Promise<Response> | Response {
  const { issuer } = c.var.config
  switch (opened.outcome) {
    case 'client_unknown':
    case 'client_blocked':
      return deadEnd(c, refused(opened.outcome))
    case 'invalid_target':
    case 'invalid_scope':
    case 'unauthorized_client':
      throw refused(isReason(opened.reason) ? opened.reason : 'server_error')
    case 'sign_in':
      return signInAnswer(c, opened.transaction, { viewer })
    case 'consent':
      return consentAnswer(c, opened.transaction, { viewer })
    case 'approved':
      // Remembered consent (SECURITY §11).
      return c.redirect(successRedirect(redirect, { issuer, state: opened.state, code }), 303)
    default:
      return assertNever(opened)
  }
}

/** Lax cookies do not travel on a cross-site POST, so the same request comes again as GET (SECURITY §8). */
async function continueAsGet(c: Context<AppEnv>): Promise<Response> {
  if (!isFormEncoded(c)) throw refused('content_type_unsupported')
  const body = await readBodyText(c.req.raw, queryLimitCharacters)
  if (body === undefined) throw refused('request_too_large')
  const pairs = new URLSearchParams(body)
  readClientId(parametersFrom(pairs))
  return c.redirect(`${c.var.config.issuer}/authorize?${pairs.toString()}`, 303)
}
