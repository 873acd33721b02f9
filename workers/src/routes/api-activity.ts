import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { connectionIdOf, nextOf, queryOf, serverIdOf } from '../http/management-path.ts'
import { rateLimit } from '../http/rate-limit.ts'
import {
  describeAuthorization,
  describeConnection,
  describeEvent,
  describeUsage,
} from '../protocol/activity-description.ts'
import { parseAuthorizationsQuery, parseEventsQuery, parsePageQuery, parseUsageQuery } from '../protocol/paging.ts'
import {
  listAuthorizations,
  listServerConnections,
  listServerEvents,
  readServerUsage,
  revokeServerConnection,
} from '../store/server-activity.ts'

/** Who is connected to a server, what happened, how it is used, and how far each authorization came. */
export const apiActivityRoute = new Hono<AppEnv>()
  .get('/api/servers/:server_id/connections', connections)
  .delete('/api/servers/:server_id/connections/:connection_id', rateLimit('RATE_API'), revoke)
  .get('/api/servers/:server_id/events', events)
  .get('/api/servers/:server_id/usage', usage)
  .get('/api/servers/:server_id/authorizations', authorizations)

async function ofServer(c: Context<AppEnv>) {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  return { p_server_id: serverIdOf(c), p_caller }
}

async function connections(c: Context<AppEnv>): Promise<Response> {
  const found = await listServerConnections(c.var.store, { ...(await ofServer(c)), ...parsePageQuery(queryOf(c)) })
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'server_not_found')
  return c.json({ connections: found.connections.map(describeConnection), ...nextOf(found.next) })
}

async function revoke(c: Context<AppEnv>): Promise<Response> {
  const server = await ofServer(c)
  const args = { ...server, p_connection_id: connectionIdOf(c), p_request: c.var.requestFacts }
  const revoked = await revokeServerConnection(c.var.store, args)
  if (revoked.outcome !== 'revoked') throw await callerRefused(c, revoked, 'connection_not_found')
  return c.body(null, 204)
}

async function events(c: Context<AppEnv>): Promise<Response> {
  const found = await listServerEvents(c.var.store, { ...(await ofServer(c)), ...parseEventsQuery(queryOf(c)) })
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'server_not_found')
  return c.json({ events: found.events.map(describeEvent), ...nextOf(found.next) })
}

async function usage(c: Context<AppEnv>): Promise<Response> {
  const server = await ofServer(c)
  const found = await readServerUsage(c.var.store, { ...server, ...parseUsageQuery(queryOf(c), c.var.clock()) })
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'server_not_found')
  return c.json({ days: found.days.map(describeUsage), ...nextOf(found.next) })
}

async function authorizations(c: Context<AppEnv>): Promise<Response> {
  const found = await listAuthorizations(c.var.store, {
    ...(await ofServer(c)),
    ...parseAuthorizationsQuery(queryOf(c)),
  })
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'server_not_found')
  return c.json({ authorizations: found.authorizations.map(describeAuthorization), ...nextOf(found.next) })
}
