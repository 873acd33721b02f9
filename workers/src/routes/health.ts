import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { refused } from '../protocol/errors.ts'
import { readReadiness } from '../store/maintenance.ts'
import { oldestSchemaVersion } from '../store/schema-version.ts'

const retryAfterSeconds = 5

/** `ok` only, or which part is not ready: nothing of environment, hosts or versions (M11). */
export const healthRoute = new Hono<AppEnv>()
  .get('/health', (c) => c.json({ status: 'ok' }))
  .get('/ready', async (c) => {
    const { schema_version, takes_changes } = await readReadiness(c.var.store)
    // Versions are moments of one length, so their order is that of their text.
    if (schema_version.toString() < oldestSchemaVersion) throw refused('schema_older', undefined, { retryAfterSeconds })
    if (takes_changes === false) throw refused('store_read_only', undefined, { retryAfterSeconds })
    return c.json({ status: 'ok' })
  })
