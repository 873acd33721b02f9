import type { Dependencies } from './dependencies.ts'
import type { RequestFacts } from './store/rows.ts'

/** What a handler finds in `c.var`: the implementations chosen for this deployment, and the facts of this request. */
export type AppVariables = Dependencies & {
  readonly requestId: string
  /** What audit events are told of this request (SECURITY §28): goes to SQL as `p_request`. */
  readonly requestFacts: RequestFacts
  /** What per-address limits are keyed by; undefined where they are off (loopback issuer, or no address). */
  readonly limitAddress: string | undefined
  /** The reason code of a refusal or an inactive answer, for the log line: `c.set('reason', …)`. */
  reason: string | undefined
  /** What went wrong inside, for the log line; never sent. */
  cause: unknown
}

export type AppEnv = { Bindings: Record<string, unknown>; Variables: AppVariables }
