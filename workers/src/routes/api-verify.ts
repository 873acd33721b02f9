import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { verifyServerUrl } from '../http/server-verification.ts'
import { refused } from '../protocol/errors.ts'
import { metadataUrlOf } from '../protocol/server-description.ts'
import { beginVerification } from '../store/verification.ts'

/** Tries the proof of a server's URL now, and tells word for word what was seen (HTTP-API "Proof of server_url"). */
export const apiVerifyRoute = new Hono<AppEnv>().post('/api/servers/:server_id/verify', rateLimit('RATE_API'), verify)

async function verify(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const server_id = c.req.param('server_id') ?? ''
  if (!/^srv_[0-9A-Za-z]{22}$/.test(server_id)) throw refused('server_not_found')
  const begun = await beginVerification(c.var.store, { p_server_id: server_id, p_server_url: null, p_caller })
  switch (begun.outcome) {
    case 'due':
      return c.json(await tell(c, server_id, begun.server_url))
    case 'verified':
      return c.json({ server_id, status: 'verified', verified: true })
    case 'too_soon': {
      const description = 'The proof is tried at most once a minute'
      throw refused('rate_limited', description, { retryAfterSeconds: begun.retry_after_seconds })
    }
    case 'suspended':
      throw refused('resource_suspended')
    default:
      throw callerRefused(c, begun, 'server_not_found')
  }
}

async function tell(c: Context<AppEnv>, server_id: string, server_url: string) {
  const verification = await verifyServerUrl(c, server_url, server_id)
  const metadata_url = metadataUrlOf(server_url)
  if (verification.outcome === 'failed') {
    return { server_id, status: 'pending', verified: false, metadata_url, seen: verification.seen }
  }
  const from = verification.outcome === 'taken_over' ? { taken_over_from: verification.from } : {}
  return { server_id, status: verification.server.status, verified: true, metadata_url, ...from }
}
