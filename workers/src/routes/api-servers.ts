import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { newServerId } from '../crypto/random.ts'
import { mintManagementToken } from '../crypto/secret-format.ts'
import { changeFacts } from '../http/change-facts.ts'
import { readRepeatable, tellReplay } from '../http/idempotency.ts'
import { readJsonBody } from '../http/json-body.ts'
import { callerRefused, readCaller, readRegistrant, requireCaller } from '../http/management-caller.ts'
import { nextOf, queryOf, serverIdOf } from '../http/management-path.ts'
import { tellOwner } from '../http/owner-mail.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { initialStatus } from '../http/server-verification.ts'
import { refused } from '../protocol/errors.ts'
import { parsePageQuery, serversQuery } from '../protocol/paging.ts'
import { describeServer, describeVerification } from '../protocol/server-description.ts'
import { parseServerChanges, parseServerRegistration } from '../protocol/server-registration.ts'
import { deleteServer, listServers, readServer, registerServer, updateServer } from '../store/servers.ts'

/** The management API of servers (HTTP-API "Server management"). */
export const apiServersRoute = new Hono<AppEnv>()
  .post('/api/servers', rateLimit('RATE_API'), register)
  .get('/api/servers', list)
  .get('/api/servers/:server_id', read)
  .patch('/api/servers/:server_id', rateLimit('RATE_API'), change)
  .delete('/api/servers/:server_id', rateLimit('RATE_API'), remove)

async function register(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const { config, store, requestFacts } = c.var
  const caller = await readRegistrant(c)
  const body = await readJsonBody(c)
  const registration = parseServerRegistration(body, config)
  const repeatable = await readRepeatable(c, caller, body)
  const minted = caller === null ? await mintManagementToken(config.tokenPeppers) : undefined
  const registered = await registerServer(store, {
    p_server_id: newServerId(),
    p_server: registration,
    p_status: initialStatus(config, registration.server_url),
    p_management: minted ? { public_part: minted.public_part, digest: minted.digest, kid: minted.kid } : null,
    p_caller: caller,
    p_limits: { servers: config.limits.servers, writes_per_hour: config.limits.writes_per_hour },
    p_idempotency: repeatable?.idempotency ?? null,
    p_request: requestFacts,
  })
  if (registered.outcome === 'server_url_taken') throw refused('server_url_taken')
  if (registered.outcome === 'idempotency_mismatch') throw refused('idempotency_key_reused')
  if (registered.outcome !== 'registered') throw await callerRefused(c, registered, 'server_not_found')
  const { server, replayed } = registered
  tellReplay(c, replayed)
  // Nobody's registration may be repeated by anybody: its token is shown to the first alone.
  const management = replayed === true ? undefined : minted && { management_token: minted.management_token }
  const verification = describeVerification(server, config)
  return c.json({ ...describeServer(server), ...management, verification }, 201)
}

async function list(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const page = parsePageQuery(queryOf(c), serversQuery)
  const found = await listServers(c.var.store, { ...page, p_caller: await requireCaller(c) })
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'server_not_found')
  return c.json({ servers: found.servers.map(describeServer), ...nextOf(found.next) })
}

async function read(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await readCaller(c)
  const found = await readServer(c.var.store, { p_server_id: serverIdOf(c), p_caller })
  if (found.outcome === 'found_public') return c.json(found.server)
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'server_not_found')
  const verification = describeVerification(found.server, c.var.config)
  return c.json({ ...describeServer(found.server), verification })
}

async function change(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const updated = await updateServer(c.var.store, {
    p_server_id: serverIdOf(c),
    p_caller,
    p_changes: parseServerChanges(await readJsonBody(c)),
    ...changeFacts(c),
  })
  if (updated.outcome !== 'updated') throw await callerRefused(c, updated, 'server_not_found')
  tellOwner(c, updated.notice, 'scopes_grown', { server_id: updated.server.server_id })
  return c.json(describeServer(updated.server))
}

async function remove(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const server_id = serverIdOf(c)
  const deleted = await deleteServer(c.var.store, { p_server_id: server_id, p_caller, p_request: c.var.requestFacts })
  if (deleted.outcome !== 'deleted') throw await callerRefused(c, deleted, 'server_not_found')
  tellOwner(c, deleted.notice, 'server_deleted', { server_id })
  return c.body(null, 204)
}
