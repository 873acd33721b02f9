import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { callerRefusals, outcome, type RequestFacts, serverRow } from './rows.ts'
import type { Caller } from './servers.ts'

export type BeginVerificationArguments = {
  /** An owner names the server; null at an authorization, where the URL is enough. */
  readonly p_server_id: string | null
  readonly p_server_url: string | null
  readonly p_caller: Caller | null
}

const beginVerificationOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('due'), server_url: z.string() }),
  z.object({ outcome: z.literal('too_soon'), retry_after_seconds: z.number() }),
  z.object({ outcome: z.literal('verified'), server: serverRow }),
  outcome('suspended'),
  ...callerRefusals,
])
export type BeginVerificationOutcome = z.infer<typeof beginVerificationOutcome>

export function beginVerification(store: Store, args: BeginVerificationArguments): Promise<BeginVerificationOutcome> {
  return callFor(store, 'begin_verification', args, beginVerificationOutcome)
}

export type FinishVerificationArguments = {
  /** The registration that the document at the URL names. */
  readonly p_server_id: string
  readonly p_server_url: string
  readonly p_request: RequestFacts
}

const finishVerificationOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('verified'), server: serverRow }),
  z.object({ outcome: z.literal('taken_over'), server: serverRow, from: z.string() }),
  outcome('holder_stands'),
  outcome('not_found'),
])
export type FinishVerificationOutcome = z.infer<typeof finishVerificationOutcome>

export function finishVerification(
  store: Store,
  args: FinishVerificationArguments,
): Promise<FinishVerificationOutcome> {
  return callFor(store, 'finish_verification', args, finishVerificationOutcome)
}
