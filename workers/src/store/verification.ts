import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { absent, addressee, callerRefusals, notice, outcome, type RequestFacts, serverRow } from './rows.ts'
import type { Caller } from './servers.ts'

export type BeginVerificationArguments = {
  /** An owner names the server; null at an authorization, where the URL is enough. */
  readonly p_server_id: string | null
  readonly p_server_url: string | null
  readonly p_caller: Caller | null
  readonly p_request: RequestFacts
}

/** When a try was begun, as the database writes it: it is handed back with what was seen, and the last one begun counts. */
type Begun = { readonly p_begun_at: string }

const beginVerificationOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('due'), server_url: z.string(), begun_at: z.string() }),
  z.object({ outcome: z.literal('too_soon'), retry_after_seconds: z.number() }),
  z.object({ outcome: z.literal('verified'), server: serverRow }),
  outcome('suspended'),
  ...callerRefusals,
])
export type BeginVerificationOutcome = z.infer<typeof beginVerificationOutcome>

export function beginVerification(store: Store, args: BeginVerificationArguments): Promise<BeginVerificationOutcome> {
  return callFor(store, 'begin_verification', args, beginVerificationOutcome)
}

export type ProofRow = {
  readonly method: 'document' | 'dns'
  /** Every registration that is named at this moment: a holder among them stands. */
  readonly named: readonly string[]
  /** The ways of proof that were looked at and have answered. */
  readonly looked: readonly string[]
  readonly seen: string
}

export type FinishVerificationArguments = Begun & {
  /** The registration that is proven; null: any that waits for the URL and is named. */
  readonly p_server_id: string | null
  readonly p_server_url: string
  readonly p_proof: ProofRow
  readonly p_request: RequestFacts
}

const finishVerificationOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('verified'), server: serverRow }),
  z.object({
    outcome: z.literal('taken_over'),
    server: serverRow,
    from: z.string(),
    owner: absent(addressee),
    former_owner: absent(addressee),
  }),
  outcome('holder_stands'),
  outcome('superseded'),
  outcome('not_found'),
])
export type FinishVerificationOutcome = z.infer<typeof finishVerificationOutcome>

export function finishVerification(
  store: Store,
  args: FinishVerificationArguments,
): Promise<FinishVerificationOutcome> {
  return callFor(store, 'finish_verification', args, finishVerificationOutcome)
}

const takeProofChecksOutcome = z.object({
  outcome: z.literal('taken'),
  servers: z.array(z.object({ server_id: z.string(), server_url: z.string(), begun_at: z.string() })),
})
export type TakeProofChecksOutcome = z.infer<typeof takeProofChecksOutcome>

export function takeProofChecks(store: Store, args: { readonly p_limit: number }): Promise<TakeProofChecksOutcome> {
  return callFor(store, 'take_proof_checks', args, takeProofChecksOutcome)
}

export type RecordProofCheckArguments = Begun & {
  readonly p_server_id: string
  /** null: it failed. */
  readonly p_proof: Pick<ProofRow, 'method'> | null
  readonly p_seen: string
  readonly p_request: Partial<RequestFacts>
}

const recordProofCheckOutcome = z.discriminatedUnion('outcome', [
  outcome('proven'),
  z.object({ outcome: z.literal('failing'), since_seconds: absent(z.number()), notice }),
  z.object({ outcome: z.literal('suspended'), notice }),
  outcome('superseded'),
  outcome('not_found'),
])
export type RecordProofCheckOutcome = z.infer<typeof recordProofCheckOutcome>

export function recordProofCheck(store: Store, args: RecordProofCheckArguments): Promise<RecordProofCheckOutcome> {
  return callFor(store, 'record_proof_check', args, recordProofCheckOutcome)
}
