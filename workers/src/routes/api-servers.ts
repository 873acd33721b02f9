import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { newServerId } from '../crypto/random.ts'
import { mintManagementToken } from '../crypto/secret-format.ts'
import { readJsonBody } from '../http/json-body.ts'
import { callerRefused, readCaller, readRegistrant, requireCaller } from '../http/management-caller.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { refused } from '../protocol/errors.ts'
import { canonicalUrl, isLoopbackHost } from '../protocol/resource.ts'
import { describeServer, describeVerification } from '../protocol/server-description.ts'
import {
  parseServerChanges,
  parseServerRegistration,
  type ServerRegistration,
} from '../protocol/server-registration.ts'
import { deleteServer, listServers, readServer, registerServer, updateServer } from '../store/servers.ts'

/** The management API of servers (HTTP-API "Server management"). */
export const apiServersRoute = new Hono<AppEnv>()
  .post('/api/servers', rateLimit('RATE_API'), register)
  .get('/api/servers', list)
  .get('/api/servers/:server_id', read)
  .patch('/api/servers/:server_id', rateLimit('RATE_API'), change)
  .delete('/api/servers/:server_id', rateLimit('RATE_API'), remove)

/** An invented id is the same 404 as a stranger's (THREATS J3). */
function serverId(c: Context<AppEnv>): string {
  const server_id = c.req.param('server_id') ?? ''
  if (!/^srv_[0-9A-Za-z]{22}$/.test(server_id)) throw refused('server_not_found')
  return server_id
}

/** Loopback servers of a loopback issuer need no proof; all others wait for theirs. */
function initialStatus(c: Context<AppEnv>, { server_url }: ServerRegistration): 'pending' | 'verified' {
  const host = canonicalUrl(server_url)?.host ?? ''
  return c.var.config.issuerIsLoopback && isLoopbackHost(host) ? 'verified' : 'pending'
}

async function register(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const { config, store, requestFacts } = c.var
  const caller = await readRegistrant(c)
  const registration = parseServerRegistration(await readJsonBody(c), config)
  const minted = caller === null ? await mintManagementToken(config.tokenPeppers) : undefined
  const registered = await registerServer(store, {
    p_server_id: newServerId(),
    p_server: registration,
    p_status: initialStatus(c, registration),
    p_management: minted ? { public_part: minted.public_part, digest: minted.digest, kid: minted.kid } : null,
    p_caller: caller,
    p_limits: { servers: config.limits.servers, writes_per_hour: config.limits.writes_per_hour },
    p_request: requestFacts,
  })
  if (registered.outcome === 'server_url_taken') throw refused('server_url_taken')
  if (registered.outcome !== 'registered') throw callerRefused(c, registered, 'server_not_found')
  const { server } = registered
  const management = minted && { management_token: minted.management_token }
  const verification = describeVerification(server, config.issuer)
  return c.json({ ...describeServer(server), ...management, verification }, 201)
}

async function list(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const found = await listServers(c.var.store, { p_caller: await requireCaller(c) })
  if (found.outcome !== 'found') throw callerRefused(c, found, 'server_not_found')
  return c.json({ servers: found.servers.map(describeServer) })
}

async function read(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await readCaller(c)
  const found = await readServer(c.var.store, { p_server_id: serverId(c), p_caller })
  if (found.outcome === 'found_public') return c.json(found.server)
  if (found.outcome !== 'found') throw callerRefused(c, found, 'server_not_found')
  const verification = describeVerification(found.server, c.var.config.issuer)
  return c.json({ ...describeServer(found.server), verification })
}

async function change(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const updated = await updateServer(c.var.store, {
    p_server_id: serverId(c),
    p_caller,
    p_changes: parseServerChanges(await readJsonBody(c)),
    p_request: c.var.requestFacts,
  })
  if (updated.outcome !== 'updated') throw callerRefused(c, updated, 'server_not_found')
  return c.json(describeServer(updated.server))
}

async function remove(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const deleted = await deleteServer(c.var.store, {
    p_server_id: serverId(c),
    p_caller,
    p_request: c.var.requestFacts,
  })
  if (deleted.outcome !== 'deleted') throw callerRefused(c, deleted, 'server_not_found')
  return c.body(null, 204)
}
