import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { isEqualSecret } from '../crypto/digest.ts'
import { parseBearer } from '../http/basic-credentials.ts'
import { openMetricsType, renderOpenMetrics } from '../http/open-metrics.ts'
import { countAgainst } from '../http/rate-limit.ts'
import { refused } from '../protocol/errors.ts'

/** What this isolate has counted, for whoever holds METRICS_TOKEN; nothing is here where none is configured. */
export const metricsRoute = new Hono<AppEnv>().get('/metrics', async (c) => {
  const { metricsToken } = c.var.config
  if (metricsToken === undefined) throw refused('not_found')
  if (!isHolder(c, metricsToken)) {
    await countAgainst(c, 'RATE_KEY_FAILURES', 'metrics')
    c.header('WWW-Authenticate', 'Bearer realm="metrics"')
    throw refused('metrics_token_wrong')
  }
  return c.body(renderOpenMetrics(c.var.counts), 200, { 'Content-Type': openMetricsType })
})

function isHolder(c: Context<AppEnv>, metricsToken: string): boolean {
  const presented = parseBearer(c.req.header('authorization') ?? '')
  return presented !== undefined && isEqualSecret(presented, metricsToken)
}
