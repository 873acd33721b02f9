import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import type { RequestFacts, WriteLimits } from '../store/rows.ts'

/** What goes with every change that an owner makes: how many an hour may be made, and who asks, for the audit log. */
export function changeFacts(c: Context<AppEnv>): { readonly p_limits: WriteLimits; readonly p_request: RequestFacts } {
  return { p_limits: { writes_per_hour: c.var.config.limits.writes_per_hour }, p_request: c.var.requestFacts }
}
