import type { Dependencies } from './dependencies.ts'
import type { LoggedEvent } from './http/log.ts'
import type { Language } from './pages/messages/language-tags.ts'
import type { RequestFacts } from './store/rows.ts'
import type { Caller } from './store/servers.ts'

/** What a handler finds in `c.var`: the implementations chosen for this deployment, and the facts of this request. */
export type AppVariables = Dependencies & {
  readonly requestId: string
  /** What audit events are told of this request (SECURITY §28): goes to SQL as `p_request`. */
  readonly requestFacts: RequestFacts
  /** What per-address limits are keyed by; undefined where they are off (loopback issuer, or no address). */
  readonly limitAddress: string | undefined
  /** Whose credential came with a request to /api; whether it is good is the database's to say. */
  caller: Caller | undefined
  /** The audit event that this request would be, were its caller known; for the log line (SECURITY §28). */
  event: LoggedEvent | undefined
  /** The language that this request asks for in a parameter; see `languageOf`. */
  language: Language | undefined
  /** The reason code of a refusal or an inactive answer, for the log line: `c.set('reason', …)`. */
  reason: string | undefined
  /** What went wrong inside, for the log line; never sent. */
  cause: unknown
}

export type AppEnv = { Bindings: Record<string, unknown>; Variables: AppVariables }
