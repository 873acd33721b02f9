import pMap from 'p-map'
import type { Dependencies } from './dependencies.ts'
import { hostsAtOnce } from './hosts-at-once.ts'
import { describeCause } from './http/log.ts'
import { frameFor } from './http/mail-later.ts'
import { ownerMail } from './pages/mails.ts'
import { metadataUrlOf } from './protocol/server-description.ts'
import type { Notice } from './store/rows.ts'
import { recordProofCheck, takeProofChecks } from './store/verification.ts'

/** Servers that one run looks at: what is left is due at the next. */
const checksPerRun = 20

type Due = { readonly server_id: string; readonly server_url: string; readonly begun_at: string }

/**
 * Looks again at the proofs that are due: weekly, daily while one fails; seven failing days suspend (SECURITY §23, J11).
 * @throws StoreUnavailable, which the platform shows as a failed run
 */
export async function runProofChecks(dependencies: Dependencies): Promise<void> {
  const startedMs = dependencies.clock()
  const { servers } = await takeProofChecks(dependencies.store, { p_limit: checksPerRun })
  const outcomes = await pMap(servers, (server) => check(dependencies, server), { concurrency: hostsAtOnce })
  const rows: Record<string, number> = {}
  for (const outcome of outcomes) rows[outcome] = (rows[outcome] ?? 0) + 1
  const database_calls = 1 + outcomes.filter((outcome) => outcome !== 'unknown').length
  dependencies.log({ level: 'info', job: 'proof_checks', ms: dependencies.clock() - startedMs, database_calls, rows })
}

async function check(dependencies: Dependencies, { server_id, server_url, begun_at }: Due): Promise<string> {
  const { config, readServerProof, store } = dependencies
  const metadata_url = metadataUrlOf(server_url)
  const proof = await readServerProof({ metadata_url, resource: server_url, issuer: config.issuer, server_id })
  // Trouble of our own says nothing about the server: it is looked at again in an hour.
  if (proof.outcome === 'failed' && !proof.definite) return 'unknown'
  const recorded = await recordProofCheck(store, {
    p_server_id: server_id,
    p_proof: proof.outcome === 'named' ? { method: proof.method } : null,
    p_seen: proof.seen,
    p_request: {},
    p_begun_at: begun_at,
  })
  if (recorded.outcome === 'failing') await tell(dependencies, recorded.notice, 'proof_failing', server_id)
  if (recorded.outcome === 'suspended') await tell(dependencies, recorded.notice, 'proof_suspended', server_id)
  return recorded.outcome
}

/** A mail that fails fails alone: the verdict stands, and the owner sees it on the dashboard. */
async function tell(
  { config, sendEmail, log }: Dependencies,
  notice: Notice,
  mail: 'proof_failing' | 'proof_suspended',
  server_id: string,
): Promise<void> {
  if (notice === undefined) return
  try {
    await sendEmail({ to: notice.email, ...ownerMail(frameFor(config, notice.language), mail, { server_id }) })
  } catch (error) {
    log({ level: 'error', job: 'proof_checks', ms: 0, database_calls: 0, rows: {}, cause: describeCause(error) })
  }
}
