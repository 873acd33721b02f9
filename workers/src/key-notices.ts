import type { Dependencies } from './dependencies.ts'
import { describeCause } from './http/log.ts'
import { frameFor } from './http/mail-later.ts'
import { ownerMail } from './pages/mails.ts'
import { exactMoment } from './pages/moment.tsx'
import { type TakeExpiringKeysOutcome, takeExpiringKeys } from './store/keys.ts'

/** Keys that one run tells of: what is left is told by the next. */
const keysPerRun = 50

type Expiring = TakeExpiringKeysOutcome['keys'][number]

/**
 * Tells owners a week ahead that an API key ends, once for each key; webhooks hear of it in the same call.
 * @throws StoreUnavailable, which the platform shows as a failed run
 */
export async function runKeyNotices(dependencies: Dependencies): Promise<void> {
  const startedMs = dependencies.clock()
  const { keys } = await takeExpiringKeys(dependencies.store, { p_limit: keysPerRun })
  await Promise.all(keys.map((key) => tell(dependencies, key)))
  const ms = dependencies.clock() - startedMs
  dependencies.log({ level: 'info', job: 'key_notices', ms, database_calls: 1, rows: { keys: keys.length } })
}

/** A mail that fails fails alone: the dashboard shows when the key ends. */
async function tell({ config, sendEmail, log }: Dependencies, { notice, expires_at_seconds, ...ids }: Expiring) {
  if (notice === undefined) return
  const frame = frameFor(config, notice.language)
  const facts = { ...ids, moment: exactMoment(expires_at_seconds, frame.messages.language) }
  try {
    await sendEmail({ to: notice.email, ...ownerMail(frame, 'key_expiring', facts) })
  } catch (error) {
    log({ level: 'error', job: 'key_notices', ms: 0, database_calls: 0, rows: {}, cause: describeCause(error) })
  }
}
