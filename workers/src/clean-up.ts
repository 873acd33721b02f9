import type { Dependencies } from './dependencies.ts'
import { cleanUp } from './store/maintenance.ts'

/** Rows of a kind that one call removes, and calls of one run: bounded, so that a backlog never holds locks for long. */
const batchSize = 500
const callsPerRun = 20

/**
 * Removes what has ended (ARCHITECTURE decision 4); the next run goes on where this one stopped.
 * @throws StoreUnavailable, which the platform shows as a failed run
 */
export async function runCleanUp({ config, store, log, clock }: Dependencies): Promise<void> {
  const startedMs = clock()
  const rows: Record<string, number> = {}
  let calls = 0
  for (let more = true; more && calls < callsPerRun; calls += 1) {
    const cleaned = await cleanUp(store, { p_batch: batchSize, p_retention: config.retention })
    for (const [kind, count] of Object.entries(cleaned.rows)) rows[kind] = (rows[kind] ?? 0) + count
    more = cleaned.more
  }
  log({ level: 'info', job: 'clean_up', ms: clock() - startedMs, database_calls: calls, rows })
}
