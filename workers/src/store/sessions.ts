import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { outcome, type RequestFacts } from './rows.ts'

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
