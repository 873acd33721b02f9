import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { readManagementToken } from '../crypto/secret-format.ts'
import { accessTokenType, parseAccessTokenClaims } from '../protocol/access-token.ts'
import { type OAuthError, refused } from '../protocol/errors.ts'
import { managementMetadataUrl, managementResource } from '../protocol/protected-resource-metadata.ts'
import type { Caller } from '../store/servers.ts'
import { parseBearer } from './basic-credentials.ts'

/** What every function of the management API may refuse a caller with. */
export type CallerRefusal =
  | { readonly outcome: 'caller_unknown' }
  | { readonly outcome: 'not_found' }
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
  const caller = token.startsWith('smt_') ? await managementCaller(c, token) : await connectionCaller(c, token)
  if (caller === undefined) throw challenge(c, refused('credential_invalid'))
  return caller
}

/**
 * Who registers a server: an owner's access token, or nobody.
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

/** An access token for ISSUER/api: its signature and expiry here, its life in the database. */
async function connectionCaller(c: Context<AppEnv>, token: string): Promise<Caller | undefined> {
  const { issuer } = c.var.config
  const read = parseAccessTokenClaims(await c.var.keys.verify(accessTokenType, token), issuer)
  if (read === undefined || read.aud !== managementResource(issuer)) return undefined
  if (read.exp * 1000 <= c.var.clock()) return undefined
  return { kind: 'connection', connection_id: read.connection_id, epoch: read.epoch, scopes: read.scopes }
}

/** The error of a refusal, with its challenge where one is due (RFC 6750 §3). */
export function callerRefused(
  c: Context<AppEnv>,
  refusal: CallerRefusal,
  missing: 'server_not_found' | 'key_not_found',
): OAuthError {
  switch (refusal.outcome) {
    case 'caller_unknown':
      return challenge(c, refused('credential_invalid'))
    case 'scope_missing': {
      const description = `The access token lacks the scope ${refusal.scope}`
      return challenge(c, refused('management_scope_missing', description), refusal.scope)
    }
    case 'limited':
      return limitReached(refusal.reason, refusal.retry_after_seconds)
    default:
      return refused(missing)
  }
}

function limitReached(reason: string | undefined, retryAfterSeconds: number | undefined): OAuthError {
  if (reason === 'servers') return refused('servers_limit_reached')
  if (reason === 'keys') return refused('keys_limit_reached')
  return refused('rate_limited', undefined, { retryAfterSeconds: retryAfterSeconds ?? 60 })
}

function challenge(c: Context<AppEnv>, error: OAuthError, scope?: string): OAuthError {
  const parameters = [`resource_metadata="${managementMetadataUrl(c.var.config.issuer)}"`]
  // RFC 6750 §3.1: no error code where nothing was presented.
  if (error.reason !== 'credential_missing') parameters.push(`error="${error.error}"`)
  if (scope !== undefined) parameters.push(`scope="${scope}"`)
  c.header('WWW-Authenticate', `Bearer ${parameters.join(', ')}`)
  return error
}
