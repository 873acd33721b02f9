import type { Decision } from './access.ts'
import { fromFetch } from './incoming.ts'
import { createJudge } from './judge.ts'
import type { AuthAgentOptions } from './options.ts'
import type { Clock } from './single-flight.ts'

/** Decides about requests of the Fetch API. */
export type Guard = Readonly<{ check: (request: Request) => Promise<Decision> }>

/**
 * Makes a guard with memories of its own.
 * @param clock milliseconds since the epoch
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export function createGuard(options: AuthAgentOptions, clock?: Clock): Guard {
  const judge = createJudge(options, clock)
  return Object.freeze({ check: async (request: Request) => judge(fromFetch(request)) })
}
