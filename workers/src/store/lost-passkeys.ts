import * as z from 'zod/mini'
import type { PersonArguments } from './account.ts'
import { callFor, type Store } from './client.ts'
import { absent, outcome, type RequestFacts } from './rows.ts'

const signIn = outcome('sign_in')

/** With `by` no other sign-in is enough. */
export const notFresh = z.object({ outcome: z.literal('not_fresh'), by: absent(z.literal('passkey')) })

/** For what asks for a fresh sign-in: how old it may be. */
export type FreshArguments = PersonArguments & { readonly p_fresh_seconds: number }

/** That somebody has said that all passkeys of the account are lost; from when on, and until when, that removes them. */
export const lostPasskeys = z.object({
  reported_at_seconds: z.number(),
  removable_at_seconds: z.number(),
  lapses_at_seconds: z.number(),
})

const reportLostPasskeysOutcome = z.discriminatedUnion('outcome', [
  z.extend(lostPasskeys, { outcome: z.literal('reported'), email: z.string() }),
  outcome('already_reported'),
  outcome('none'),
  notFresh,
  signIn,
])
export type ReportLostPasskeysOutcome = z.infer<typeof reportLostPasskeysOutcome>

export type ReportLostPasskeysArguments = FreshArguments & {
  readonly p_wait_seconds: number
  readonly p_confirm_seconds: number
  readonly p_request: RequestFacts
}

export function reportLostPasskeys(
  store: Store,
  args: ReportLostPasskeysArguments,
): Promise<ReportLostPasskeysOutcome> {
  return callFor(store, 'report_lost_passkeys', args, reportLostPasskeysOutcome)
}

const keepPasskeysOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('kept'), email: z.string() }),
  outcome('none'),
  signIn,
])
export type KeepPasskeysOutcome = z.infer<typeof keepPasskeysOutcome>

export function keepPasskeys(
  store: Store,
  args: PersonArguments & { readonly p_request: RequestFacts },
): Promise<KeepPasskeysOutcome> {
  return callFor(store, 'keep_passkeys', args, keepPasskeysOutcome)
}

const removeLostPasskeysOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('removed'), email: z.string() }),
  outcome('not_due'),
  notFresh,
  signIn,
])
export type RemoveLostPasskeysOutcome = z.infer<typeof removeLostPasskeysOutcome>

export function removeLostPasskeys(
  store: Store,
  args: FreshArguments & { readonly p_request: RequestFacts },
): Promise<RemoveLostPasskeysOutcome> {
  return callFor(store, 'remove_lost_passkeys', args, removeLostPasskeysOutcome)
}
