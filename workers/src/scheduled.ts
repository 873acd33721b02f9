import { runCleanUp } from './clean-up.ts'
import type { Dependencies } from './dependencies.ts'
import { describeCause, type JobName } from './http/log.ts'
import { runKeyNotices } from './key-notices.ts'
import { runProofChecks } from './proof-checks.ts'
import { runWebhooks } from './webhooks.ts'

type Job = readonly [name: JobName, run: (dependencies: Dependencies) => Promise<void>]

const jobs: readonly Job[] = [
  ['clean_up', runCleanUp],
  ['proof_checks', runProofChecks],
  ['key_notices', runKeyNotices],
  ['webhooks', runWebhooks],
]

/**
 * What the scheduled handler does, each run bounded. One job that fails does not keep the others from running.
 * @throws AggregateError of what failed, which the platform shows as a failed run
 */
export async function runScheduled(dependencies: Dependencies): Promise<void> {
  const { clock, log } = dependencies
  const failures: unknown[] = []
  for (const [job, run] of jobs) {
    const startedMs = clock()
    await run(dependencies).catch((error: unknown) => {
      failures.push(error)
      // It got no further than its calls to the database; the line that counts them is the one of a run that went well.
      log({ level: 'error', job, ms: clock() - startedMs, database_calls: 0, rows: {}, cause: describeCause(error) })
    })
  }
  if (failures.length > 0) throw new AggregateError(failures, 'a scheduled job failed')
}
