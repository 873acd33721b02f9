import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { readRepeatable, tellReplay } from '../http/idempotency.ts'
import { readJsonBody } from '../http/json-body.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { keyIdOf, nextOf, queryOf, serverIdOf } from '../http/management-path.ts'
import { makeKey } from '../http/owner-creations.ts'
import { tellOwner } from '../http/owner-mail.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { keysQuery, parsePageQuery } from '../protocol/paging.ts'
import { describeKey } from '../protocol/server-description.ts'
import { parseKeyRequest } from '../protocol/server-registration.ts'
import { listKeys, revokeKey } from '../store/keys.ts'

/** The API keys of a server (HTTP-API "Server management"). */
export const apiKeysRoute = new Hono<AppEnv>()
  .post('/api/servers/:server_id/keys', rateLimit('RATE_API'), create)
  .get('/api/servers/:server_id/keys', list)
  .delete('/api/servers/:server_id/keys/:key_id', rateLimit('RATE_API'), revoke)

async function create(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const caller = await requireCaller(c)
  const server_id = serverIdOf(c)
  const body = await readJsonBody(c)
  const request = parseKeyRequest(body)
  const repeatable = await readRepeatable(c, caller, body)
  const made = await makeKey(c, { server_id, caller, request, repeatable })
  if (made.outcome !== 'created') throw await callerRefused(c, made, 'server_not_found')
  tellReplay(c, made.replayed)
  return c.json({ ...describeKey(made.key), ...(made.secret !== undefined && { key_secret: made.secret }) }, 201)
}

async function list(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const page = parsePageQuery(queryOf(c), keysQuery)
  const found = await listKeys(c.var.store, { ...page, p_server_id: serverIdOf(c), p_caller })
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'server_not_found')
  return c.json({ keys: found.keys.map(describeKey), ...nextOf(found.next) })
}

async function revoke(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const [server_id, key_id] = [serverIdOf(c), keyIdOf(c)]
  const revoked = await revokeKey(c.var.store, {
    p_server_id: server_id,
    p_key_id: key_id,
    p_caller,
    p_request: c.var.requestFacts,
  })
  if (revoked.outcome !== 'revoked') throw await callerRefused(c, revoked, 'key_not_found')
  tellOwner(c, revoked.notice, 'key_revoked', { server_id, key_id })
  return c.body(null, 204)
}
