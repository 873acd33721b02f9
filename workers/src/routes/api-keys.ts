import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { mintApiKey } from '../crypto/secret-format.ts'
import { readRepeatable, tellReplay } from '../http/idempotency.ts'
import { readJsonBody } from '../http/json-body.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { keyIdOf, nextOf, queryOf, serverIdOf } from '../http/management-path.ts'
import { tellOwner } from '../http/owner-mail.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { refused } from '../protocol/errors.ts'
import { keysQuery, parsePageQuery } from '../protocol/paging.ts'
import { describeKey } from '../protocol/server-description.ts'
import { parseKeyRequest } from '../protocol/server-registration.ts'
import { createKey, listKeys, revokeKey } from '../store/keys.ts'

/** The API keys of a server (HTTP-API "Server management"). */
export const apiKeysRoute = new Hono<AppEnv>()
  .post('/api/servers/:server_id/keys', rateLimit('RATE_API'), create)
  .get('/api/servers/:server_id/keys', list)
  .delete('/api/servers/:server_id/keys/:key_id', rateLimit('RATE_API'), revoke)

async function create(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const { config, store, requestFacts } = c.var
  const p_caller = await requireCaller(c)
  const p_server_id = serverIdOf(c)
  const body = await readJsonBody(c)
  const { name, expires_in } = parseKeyRequest(body)
  const repeatable = await readRepeatable(c, p_caller, body)
  const { key_id, key_secret, last_four, digest, kid } = await mintApiKey(config.tokenPeppers, repeatable?.request)
  const created = await createKey(store, {
    p_server_id,
    p_caller,
    p_key: { key_id, digest, kid, name, last_four, expires_in_seconds: expires_in },
    p_limits: { keys: config.limits.keys, writes_per_hour: config.limits.writes_per_hour },
    p_idempotency: repeatable?.idempotency ?? null,
    p_request: requestFacts,
  })
  if (created.outcome === 'idempotency_mismatch') throw refused('idempotency_key_reused')
  if (created.outcome !== 'created') throw await callerRefused(c, created, 'server_not_found')
  tellReplay(c, created.replayed)
  tellOwner(c, created.notice, 'key_created', { server_id: p_server_id, key_id })
  // The one time that the secret is seen (THREATS J5); a repeated request sees what it saw.
  return c.json({ ...describeKey(created.key), ...(created.secret_is_same && { key_secret }) }, 201)
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
