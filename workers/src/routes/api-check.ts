import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { serverIdOf } from '../http/management-path.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { checkFromOutside } from '../http/self-check.ts'
import { refused } from '../protocol/errors.ts'
import { readServer } from '../store/servers.ts'

/** Looks at an owner's server from outside, and says what to change (HTTP-API "Server management"). */
export const apiCheckRoute = new Hono<AppEnv>().post('/api/servers/:server_id/check', rateLimit('RATE_API'), check)

async function check(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const server_id = serverIdOf(c)
  const found = await readServer(c.var.store, { p_server_id: server_id, p_caller })
  // A stranger sees public facts of it, and makes nobody call it.
  if (found.outcome === 'found_public') throw refused('server_not_found')
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'server_not_found')
  const checks = await checkFromOutside(c, found.server)
  return c.json({ server_id, passed: checks.every(({ passed }) => passed), checks })
}
