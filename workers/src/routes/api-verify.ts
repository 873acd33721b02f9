import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { serverIdOf } from '../http/management-path.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { type Begun, type Verification, verifyServerUrl } from '../http/server-verification.ts'
import { refused } from '../protocol/errors.ts'
import { metadataUrlOf, proofMembers } from '../protocol/server-description.ts'
import { beginVerification, recordProofCheck } from '../store/verification.ts'

/** Tries the proof of a server's URL now, and tells word for word what was seen (HTTP-API "Proof of server_url"). */
export const apiVerifyRoute = new Hono<AppEnv>().post('/api/servers/:server_id/verify', rateLimit('RATE_API'), verify)

async function verify(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const { store, requestFacts } = c.var
  const p_caller = await requireCaller(c)
  const server_id = serverIdOf(c)
  const begun = await beginVerification(store, {
    p_server_id: server_id,
    p_server_url: null,
    p_caller,
    p_request: requestFacts,
  })
  switch (begun.outcome) {
    case 'due':
      return tell(c, { server_id, server_url: begun.server_url, begun_at: begun.begun_at })
    case 'verified':
      return c.json({ server_id, status: 'verified', verified: true })
    case 'too_soon': {
      const description = 'The proof is tried at most once a minute'
      throw refused('rate_limited', description, { retryAfterSeconds: begun.retry_after_seconds })
    }
    case 'suspended':
      throw refused('resource_suspended')
    default:
      throw await callerRefused(c, begun, 'server_not_found')
  }
}

async function tell(c: Context<AppEnv>, asked: Required<Begun>): Promise<Response> {
  const verification = await verifyServerUrl(c, asked)
  const { server_id, server_url, begun_at: p_begun_at } = asked
  const metadata_url = metadataUrlOf(server_url)
  if (verification.outcome !== 'failed') return c.json({ server_id, ...proven(verification), metadata_url })
  const { store, config, requestFacts } = c.var
  const { seen } = verification
  c.set('reason', 'server_proof_failed')
  const p_request = requestFacts
  await recordProofCheck(store, { p_server_id: server_id, p_proof: null, p_seen: seen, p_request, p_begun_at })
  const expected = proofMembers({ server_id, server_url }, config.issuer)
  return c.json({ server_id, verified: false, metadata_url, seen, expected })
}

function proven(verification: Exclude<Verification, { outcome: 'failed' }>) {
  const { status } = verification.server
  const from = verification.outcome === 'taken_over' ? { taken_over_from: verification.from } : {}
  return { status, verified: true, ...from }
}
