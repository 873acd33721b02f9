import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { mintApiKey } from '../crypto/secret-format.ts'
import { readJsonBody } from '../http/json-body.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { refused } from '../protocol/errors.ts'
import { describeKey } from '../protocol/server-description.ts'
import { parseKeyRequest } from '../protocol/server-registration.ts'
import { createKey, listKeys, revokeKey } from '../store/keys.ts'

/** The API keys of a server (HTTP-API "Server management"). */
export const apiKeysRoute = new Hono<AppEnv>()
  .post('/api/servers/:server_id/keys', rateLimit('RATE_API'), create)
  .get('/api/servers/:server_id/keys', list)
  .delete('/api/servers/:server_id/keys/:key_id', rateLimit('RATE_API'), revoke)

function serverId(c: Context<AppEnv>): string {
  const server_id = c.req.param('server_id') ?? ''
  if (!/^srv_[0-9A-Za-z]{22}$/.test(server_id)) throw refused('server_not_found')
  return server_id
}

function keyId(c: Context<AppEnv>): string {
  const key_id = c.req.param('key_id') ?? ''
  if (!/^key_[0-9A-Za-z]{12}$/.test(key_id)) throw refused('key_not_found')
  return key_id
}

async function create(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const { config, store, requestFacts } = c.var
  const p_caller = await requireCaller(c)
  const p_server_id = serverId(c)
  const { name, expires_in } = parseKeyRequest(await readJsonBody(c))
  const { key_id, key_secret, last_four, digest, kid } = await mintApiKey(config.tokenPeppers)
  const created = await createKey(store, {
    p_server_id,
    p_caller,
    p_key: { key_id, digest, kid, name, last_four, expires_in_seconds: expires_in },
    p_limits: { keys: config.limits.keys, writes_per_hour: config.limits.writes_per_hour },
    p_request: requestFacts,
  })
  if (created.outcome !== 'created') throw callerRefused(c, created, 'server_not_found')
  // The one time that the secret is seen (THREATS J5).
  return c.json({ ...describeKey({ ...created.key, last_four }), key_secret }, 201)
}

async function list(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const found = await listKeys(c.var.store, { p_server_id: serverId(c), p_caller })
  if (found.outcome !== 'found') throw callerRefused(c, found, 'server_not_found')
  return c.json({ keys: found.keys.map(describeKey) })
}

async function revoke(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const revoked = await revokeKey(c.var.store, {
    p_server_id: serverId(c),
    p_key_id: keyId(c),
    p_caller,
    p_request: c.var.requestFacts,
  })
  if (revoked.outcome !== 'revoked') throw callerRefused(c, revoked, 'key_not_found')
  return c.body(null, 204)
}
