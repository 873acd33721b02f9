import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { mintPersonalToken } from '../crypto/secret-format.ts'
import { readRepeatable, tellReplay } from '../http/idempotency.ts'
import { readJsonBody } from '../http/json-body.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { nextOf, queryOf, tokenIdOf } from '../http/management-path.ts'
import { tellOwner } from '../http/owner-mail.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { refused } from '../protocol/errors.ts'
import { parsePersonalTokenRequest } from '../protocol/owner-requests.ts'
import { parsePageQuery, tokensQuery } from '../protocol/paging.ts'
import { describePersonalToken } from '../protocol/server-description.ts'
import { createPersonalToken, listPersonalTokens, revokePersonalToken } from '../store/personal-tokens.ts'

/** The personal tokens of an owner, for curl and CI (HTTP-API "Server management"; THREATS J19). */
export const apiTokensRoute = new Hono<AppEnv>()
  .post('/api/tokens', rateLimit('RATE_API'), create)
  .get('/api/tokens', list)
  .delete('/api/tokens/:token_id', rateLimit('RATE_API'), revoke)

async function create(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const { config, store, requestFacts } = c.var
  const p_caller = await requireCaller(c)
  const body = await readJsonBody(c)
  const { name, scopes, expires_in } = parsePersonalTokenRequest(body)
  const repeatable = await readRepeatable(c, p_caller, body)
  const minted = await mintPersonalToken(config.tokenPeppers, repeatable?.request)
  const { token_id, personal_token, last_four, digest, kid } = minted
  const created = await createPersonalToken(store, {
    p_caller,
    p_token: { token_id, digest, kid, name, last_four, scopes, expires_in_seconds: expires_in },
    p_limits: {
      tokens: config.limits.personal_tokens,
      writes_per_hour: config.limits.writes_per_hour,
      fresh_seconds: config.lifetimes.fresh_sign_in_seconds,
    },
    p_idempotency: repeatable?.idempotency ?? null,
    p_request: requestFacts,
  })
  if (created.outcome === 'idempotency_mismatch') throw refused('idempotency_key_reused')
  if (created.outcome === 'not_allowed') throw refused('token_may_not_mint')
  if (created.outcome !== 'created') throw await callerRefused(c, created, 'personal_token_not_found')
  tellReplay(c, created.replayed)
  tellOwner(c, created.notice, 'personal_token_created', { token_id })
  // The one time that the secret is seen (THREATS J5); a repeated request sees what it saw.
  return c.json({ ...describePersonalToken(created.token), ...(created.secret_is_same && { personal_token }) }, 201)
}

async function list(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const page = parsePageQuery(queryOf(c), tokensQuery)
  const found = await listPersonalTokens(c.var.store, { ...page, p_caller: await requireCaller(c) })
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'personal_token_not_found')
  return c.json({ tokens: found.tokens.map(describePersonalToken), ...nextOf(found.next) })
}

async function revoke(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const p_token_id = tokenIdOf(c)
  const revoked = await revokePersonalToken(c.var.store, { p_token_id, p_caller, p_request: c.var.requestFacts })
  if (revoked.outcome !== 'revoked') throw await callerRefused(c, revoked, 'personal_token_not_found')
  return c.body(null, 204)
}
