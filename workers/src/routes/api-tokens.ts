import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { readRepeatable, tellReplay } from '../http/idempotency.ts'
import { readJsonBody } from '../http/json-body.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { nextOf, queryOf, tokenIdOf } from '../http/management-path.ts'
import { makePersonalToken } from '../http/owner-creations.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { parsePersonalTokenRequest } from '../protocol/owner-requests.ts'
import { parsePageQuery, tokensQuery } from '../protocol/paging.ts'
import { describePersonalToken } from '../protocol/server-description.ts'
import { listPersonalTokens, revokePersonalToken } from '../store/personal-tokens.ts'

/** The personal tokens of an owner, for curl and CI (HTTP-API "Server management"; THREATS J19). */
export const apiTokensRoute = new Hono<AppEnv>()
  .post('/api/tokens', rateLimit('RATE_API'), create)
  .get('/api/tokens', list)
  .delete('/api/tokens/:token_id', rateLimit('RATE_API'), revoke)

async function create(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const caller = await requireCaller(c)
  const body = await readJsonBody(c)
  const request = parsePersonalTokenRequest(body)
  const repeatable = await readRepeatable(c, caller, body)
  const made = await makePersonalToken(c, { caller, request, repeatable })
  if (made.outcome !== 'created') throw await callerRefused(c, made, 'personal_token_not_found')
  tellReplay(c, made.replayed)
  const secret = made.secret !== undefined && { personal_token: made.secret }
  return c.json({ ...describePersonalToken(made.token), ...secret }, 201)
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
