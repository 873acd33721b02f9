import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { readManagementToken, readPersonalToken } from '../crypto/secret-format.ts'
import { accessTokenType, parseAccessTokenClaims } from '../protocol/access-token.ts'
import { type OAuthError, refused } from '../protocol/errors.ts'
import { managementMetadataUrl, managementResource } from '../protocol/protected-resource-metadata.ts'
import type { Reason } from '../protocol/reasons.ts'
import { recordDenial } from '../store/maintenance.ts'
import type { Caller } from '../store/servers.ts'
import { parseBearer } from './basic-credentials.ts'

/** What every function of the management API may refuse a caller with. */
export type CallerRefusal =
  | { readonly outcome: 'caller_unknown' }
  | { readonly outcome: 'not_found' }
  | { readonly outcome: 'sign_in' }
  | { readonly outcome: 'not_fresh' }
  | { readonly outcome: 'scope_missing'; readonly scope: string }
  | {
      readonly outcome: 'limited'
      readonly reason: string | undefined
      readonly retry_after_seconds: number | undefined
    }

/**
 * Who calls /api; null when no credential was sent. Cookies mean nothing here, so no page can act for its visitor
 * (THREATS J20).
 * @throws OAuthError credential_invalid
 */
export async function readCaller(c: Context<AppEnv>): Promise<Caller | null> {
  const authorization = c.req.header('authorization')
  if (authorization === undefined) return null
  const token = parseBearer(authorization)
  if (token === undefined) throw challenge(c, refused('authorization_malformed'))
  const caller = await callerOf(c, token)
  if (caller === undefined) throw challenge(c, refused('credential_invalid'))
  c.set('caller', caller)
  return caller
}

/** What a token is stands in its first characters. */
function callerOf(c: Context<AppEnv>, token: string): Promise<Caller | undefined> {
  if (token.startsWith('smt_')) return managementCaller(c, token)
  if (token.startsWith('pat_')) return personalCaller(c, token)
  return connectionCaller(c, token)
}

/**
 * Who registers a server: an owner's access token or personal token, or nobody.
 * @throws OAuthError credential_invalid for a management token, which speaks for the one server it came with
 */
export async function readRegistrant(c: Context<AppEnv>): Promise<Caller | null> {
  const caller = await readCaller(c)
  if (caller?.kind !== 'management') return caller
  const description = 'A management token is for the one server it came with; register without a credential'
  throw challenge(c, refused('credential_invalid', description))
}

/** @throws OAuthError credential_missing, too */
export async function requireCaller(c: Context<AppEnv>): Promise<Caller> {
  const caller = await readCaller(c)
  if (caller === null) throw challenge(c, refused('credential_missing'))
  return caller
}

async function managementCaller(c: Context<AppEnv>, token: string): Promise<Caller | undefined> {
  const read = await readManagementToken(c.var.config.tokenPeppers, token)
  return read && { kind: 'management', ...read }
}

async function personalCaller(c: Context<AppEnv>, token: string): Promise<Caller | undefined> {
  const read = await readPersonalToken(c.var.config.tokenPeppers, token)
  return read && { kind: 'personal', ...read }
}

/** An access token for ISSUER/api: its signature and expiry here, its life in the database. */
async function connectionCaller(c: Context<AppEnv>, token: string): Promise<Caller | undefined> {
  const { issuer } = c.var.config
  const read = parseAccessTokenClaims(await c.var.keys.verify(accessTokenType, token), issuer)
  if (read === undefined || read.aud !== managementResource(issuer)) return undefined
  if (read.exp * 1000 <= c.var.clock()) return undefined
  return { kind: 'connection', connection_id: read.connection_id, epoch: read.epoch, scopes: read.scopes }
}

/**
 * The error of a refusal, with its challenge where one is due (RFC 6750 §3). What a good credential was refused is an
 * event (SECURITY §28), written before the answer, so that it is not lost with it (THREATS M13).
 */
export async function callerRefused(c: Context<AppEnv>, refusal: CallerRefusal, missing: Reason): Promise<OAuthError> {
  const error = refusalError(c, refusal, missing)
  const caller = c.get('caller')
  if (caller === undefined || (refusal.outcome !== 'scope_missing' && refusal.outcome !== 'not_found')) return error
  const p_asked = refusal.outcome === 'scope_missing' ? refusal.scope : (c.req.param('server_id') ?? null)
  await recordDenial(c.var.store, { p_caller: caller, p_reason: error.reason, p_asked, p_request: c.var.requestFacts })
  return error
}

function refusalError(c: Context<AppEnv>, refusal: CallerRefusal, missing: Reason): OAuthError {
  switch (refusal.outcome) {
    case 'caller_unknown':
    case 'sign_in':
      return challenge(c, refused('credential_invalid'))
    case 'scope_missing': {
      const description = `The token lacks the scope ${refusal.scope}`
      return challenge(c, refused('management_scope_missing', description), refusal.scope)
    }
    case 'not_fresh':
      return challenge(c, refused('sign_in_too_old'))
    case 'limited':
      return limitReached(refusal.reason, refusal.retry_after_seconds)
    case 'not_found':
      return refused(missing)
  }
}

function limitReached(reason: string | undefined, retryAfterSeconds: number | undefined): OAuthError {
  if (reason === 'servers') return refused('servers_limit_reached')
  if (reason === 'webhooks') return refused('webhooks_limit_reached')
  if (reason === 'client_rules') return refused('client_rules_limit_reached')
  if (reason === 'tokens') return refused('tokens_limit_reached')
  if (reason === 'keys') return refused('keys_limit_reached')
  return refused('rate_limited', undefined, { retryAfterSeconds: retryAfterSeconds ?? 60 })
}

function challenge(c: Context<AppEnv>, error: OAuthError, scope?: string): OAuthError {
  const parameters = [`resource_metadata="${managementMetadataUrl(c.var.config.issuer)}"`]
  // RFC 6750 §3.1: no error code where nothing was presented.
  if (error.reason !== 'credential_missing') parameters.push(`error="${error.error}"`)
  if (scope !== undefined) parameters.push(`scope="${scope}"`)
  // RFC 9470 §3: how fresh the sign-in must be.
  if (error.reason === 'sign_in_too_old') parameters.push(`max_age="${c.var.config.lifetimes.fresh_sign_in_seconds}"`)
  c.header('WWW-Authenticate', `Bearer ${parameters.join(', ')}`)
  return error
}
