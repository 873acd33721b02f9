import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { absent, outcome, type RequestFacts } from './rows.ts'
import type { Caller } from './servers.ts'

const cleanUpOutcome = z.object({
  outcome: z.literal('cleaned'),
  rows: z.record(z.string(), z.number()),
  more: z.boolean(),
})
export type CleanUpOutcome = z.infer<typeof cleanUpOutcome>

export type CleanUpArguments = { readonly p_batch: number; readonly p_retention: Readonly<Record<string, number>> }

export function cleanUp(store: Store, args: CleanUpArguments): Promise<CleanUpOutcome> {
  return callFor(store, 'clean_up', args, cleanUpOutcome)
}

const readReadinessOutcome = z.object({
  outcome: z.literal('ready'),
  schema_version: z.union([z.string(), z.number()]),
  /** Absent where the schema is older than this member. */
  takes_changes: absent(z.boolean()),
})
export type ReadReadinessOutcome = z.infer<typeof readReadinessOutcome>

export function readReadiness(store: Store): Promise<ReadReadinessOutcome> {
  return callFor(store, 'read_readiness', {}, readReadinessOutcome)
}

export type RecordEventArguments = {
  readonly p_event: string
  readonly p_reason: string | null
  readonly p_detail: Readonly<Record<string, string | number>>
  readonly p_request: RequestFacts
}

const recordEventOutcome = z.object({ outcome: z.string() })
export type RecordEventOutcome = z.infer<typeof recordEventOutcome>

/** Only where no other call is made already and a caller is known, so that floods write nothing (SECURITY §28). */
export function recordEvent(store: Store, args: RecordEventArguments): Promise<RecordEventOutcome> {
  return callFor(store, 'record_event', args, recordEventOutcome)
}

export type RecordDenialArguments = {
  readonly p_caller: Caller
  readonly p_reason: string
  /** What was asked for: another's id, or a scope. */
  readonly p_asked: string | null
  readonly p_request: RequestFacts
}

const recordDenialOutcome = z.discriminatedUnion('outcome', [outcome('recorded'), outcome('limited')])
export type RecordDenialOutcome = z.infer<typeof recordDenialOutcome>

export function recordDenial(store: Store, args: RecordDenialArguments): Promise<RecordDenialOutcome> {
  return callFor(store, 'record_denial', args, recordDenialOutcome)
}

const readSwitchesOutcome = z.object({ outcome: z.literal('read'), registration: z.boolean(), documents: z.boolean() })
export type ReadSwitchesOutcome = z.infer<typeof readSwitchesOutcome>

export function readSwitches(store: Store): Promise<ReadSwitchesOutcome> {
  return callFor(store, 'read_switches', {}, readSwitchesOutcome)
}
