import * as z from 'zod/mini'
import type { PersonArguments } from './account.ts'
import { callFor, type Store } from './client.ts'
import { absent, outcome, type RequestFacts } from './rows.ts'

export type EndSessionArguments = {
  readonly p_session_digests: readonly string[]
  /** That transaction goes back to sign-in. */
  readonly p_transaction_id: string | null
  readonly p_browser_digests: readonly string[]
  readonly p_request: RequestFacts
}

const endSessionOutcome = z.discriminatedUnion('outcome', [outcome('ended'), outcome('no_session')])
export type EndSessionOutcome = z.infer<typeof endSessionOutcome>

export function endSession(store: Store, args: EndSessionArguments): Promise<EndSessionOutcome> {
  return callFor(store, 'end_session', args, endSessionOutcome)
}

const ownSession = z.object({
  session_id: z.string(),
  /** The caller's own. */
  current: z.boolean(),
  signed_in_at_seconds: z.number(),
  auth_method: z.string(),
  last_used_at_seconds: z.number(),
  user_agent: absent(z.string()),
  country: absent(z.string()),
})
export type OwnSession = z.infer<typeof ownSession>

const listOwnSessionsOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), email: z.string(), sessions: z.array(ownSession) }),
  outcome('sign_in'),
])
export type ListOwnSessionsOutcome = z.infer<typeof listOwnSessionsOutcome>

export function listOwnSessions(store: Store, args: PersonArguments): Promise<ListOwnSessionsOutcome> {
  return callFor(store, 'list_own_sessions', args, listOwnSessionsOutcome)
}

export type EndOwnSessionsArguments = PersonArguments & {
  /** null but with `one`. */
  readonly p_session_id: string | null
  readonly p_extent: 'one' | 'others' | 'all'
  readonly p_request: RequestFacts
}

const endOwnSessionsOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('ended'), count: z.number() }),
  outcome('not_found'),
  outcome('sign_in'),
])
export type EndOwnSessionsOutcome = z.infer<typeof endOwnSessionsOutcome>

export function endOwnSessions(store: Store, args: EndOwnSessionsArguments): Promise<EndOwnSessionsOutcome> {
  return callFor(store, 'end_own_sessions', args, endOwnSessionsOutcome)
}
