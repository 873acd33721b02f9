import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { refused } from '../protocol/errors.ts'
import type { Reason } from '../protocol/reasons.ts'

/** A part of the path that names something; what has not even its shape is the same 404 as a stranger's (THREATS J3). */
function named(c: Context<AppEnv>, parameter: string, shape: RegExp, missing: Reason): string {
  const value = c.req.param(parameter) ?? ''
  if (!shape.test(value)) throw refused(missing)
  return value
}

/** @throws OAuthError server_not_found */
export function serverIdOf(c: Context<AppEnv>): string {
  return named(c, 'server_id', /^srv_[0-9A-Za-z]{22}$/, 'server_not_found')
}

/** @throws OAuthError key_not_found */
export function keyIdOf(c: Context<AppEnv>): string {
  return named(c, 'key_id', /^key_[0-9A-Za-z]{12}$/, 'key_not_found')
}

/** @throws OAuthError personal_token_not_found */
export function tokenIdOf(c: Context<AppEnv>): string {
  return named(c, 'token_id', /^tok_[0-9A-Za-z]{12}$/, 'personal_token_not_found')
}

/** @throws OAuthError client_rule_not_found */
export function ruleIdOf(c: Context<AppEnv>): string {
  return named(c, 'rule_id', /^rul_[0-9A-Za-z]{12}$/, 'client_rule_not_found')
}

/** @throws OAuthError connection_not_found */
export function connectionIdOf(c: Context<AppEnv>): string {
  return named(c, 'connection_id', /^[A-Za-z0-9_-]{22}$/, 'connection_not_found')
}

export function queryOf(c: Context<AppEnv>): URLSearchParams {
  return new URL(c.req.url).searchParams
}

/** Where the next page begins; absent on the last one. */
export function nextOf(next: string | undefined): { readonly next?: string } {
  return next === undefined ? {} : { next }
}

/** @throws OAuthError webhook_not_found */
export function webhookIdOf(c: Context<AppEnv>): string {
  return named(c, 'webhook_id', /^whk_[0-9A-Za-z]{12}$/, 'webhook_not_found')
}

/** @throws OAuthError webhook_not_found */
export function messageIdOf(c: Context<AppEnv>): string {
  return named(c, 'message_id', /^msg_[0-9a-f]{32}$/, 'webhook_not_found')
}
