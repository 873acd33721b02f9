import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { refused } from '../protocol/errors.ts'
import { readReadiness } from '../store/maintenance.ts'

/** The schema this code was written against; a migration that changes the functions raises it in mcp_data.settings. */
const expectedSchemaVersion = '20261125000000'

/** `ok` only: nothing of environment or versions (M11). */
export const healthRoute = new Hono<AppEnv>()
  .get('/health', (c) => c.json({ status: 'ok' }))
  .get('/ready', async (c) => {
    const { schema_version } = await readReadiness(c.var.store)
    if (schema_version.toString() !== expectedSchemaVersion) {
      c.set('reason', 'schema_version_differs')
      throw refused('store_unavailable', undefined, { retryAfterSeconds: 5 })
    }
    return c.json({ status: 'ok' })
  })
