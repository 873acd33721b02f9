import type { Context } from 'hono'
import type { AppEnv, AppVariables } from '../context.ts'
import type { Done } from '../pages/dashboard-parts.tsx'
import { beginVerification, recordProofCheck } from '../store/verification.ts'
import { dashboardCaller } from './dashboard.ts'
import { checkFromOutside } from './self-check.ts'
import { verifyServerUrl } from './server-verification.ts'

/** What was seen from outside, and what to say of a proof that was tried. */
type Looked = { readonly checks: Awaited<ReturnType<AppVariables['checkServer']>>; readonly done?: Done }

/**
 * Tries the proof of a server, or looks at it from outside. What the proof saw is kept with the server; the checks are
 * the answer. The caller has made sure that the server is the person's.
 */
export async function proveAndCheck(
  c: Context<AppEnv>,
  server: { readonly server_id: string; readonly server_url: string },
  what: 'verify' | 'check',
): Promise<Looked> {
  if (what === 'check') return { checks: await checkFromOutside(c, server) }
  const { store, requestFacts: p_request } = c.var
  const { server_id, server_url } = server
  const p_caller = await dashboardCaller(c)
  const begun = await beginVerification(store, { p_server_id: server_id, p_server_url: null, p_caller, p_request })
  if (begun.outcome === 'too_soon') return { checks: [], done: 'too_soon' }
  if (begun.outcome !== 'due') return { checks: [] }
  const { begun_at } = begun
  const verification = await verifyServerUrl(c, { server_url, begun_at, server_id })
  if (verification.outcome !== 'failed') return { checks: [], done: 'proven' }
  const p_seen = verification.seen
  await recordProofCheck(store, { p_server_id: server_id, p_proof: null, p_seen, p_request, p_begun_at: begun_at })
  return { checks: [] }
}
