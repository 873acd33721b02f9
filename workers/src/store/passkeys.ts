import * as z from 'zod/mini'
import type { PersonArguments } from './account.ts'
import { callFor, type Store } from './client.ts'
import type { SessionLifetimes } from './email-codes.ts'
import { type FreshArguments, lostPasskeys, notFresh } from './lost-passkeys.ts'
import { absent, outcome, type RequestFacts, transactionGone } from './rows.ts'

const signIn = outcome('sign_in')

/** It ended what somebody had said of lost passkeys. */
const reportEnded = absent(z.literal(true))

const ownPasskey = z.object({
  passkey_id: z.string(),
  name: z.string(),
  /** Copied by its provider to the person's other devices. */
  synced: z.boolean(),
  created_at_seconds: z.number(),
  last_used_at_seconds: absent(z.number()),
})
export type OwnPasskey = z.infer<typeof ownPasskey>

const ownIdentity = z.object({
  identity_id: z.string(),
  issuer: z.string(),
  email: absent(z.string()),
  linked_at_seconds: z.number(),
  last_used_at_seconds: absent(z.number()),
})
export type OwnIdentity = z.infer<typeof ownIdentity>

const listPasskeysOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('found'),
    email: z.string(),
    passkeys: z.array(ownPasskey),
    identities: z.array(ownIdentity),
    /** Until then a code is enough to remove one; absent: it is not. */
    settles_at_seconds: absent(z.number()),
    lost: absent(lostPasskeys),
  }),
  signIn,
])
export type ListPasskeysOutcome = z.infer<typeof listPasskeysOutcome>

export function listPasskeys(store: Store, args: PersonArguments): Promise<ListPasskeysOutcome> {
  return callFor(store, 'list_passkeys', args, listPasskeysOutcome)
}

const beginPasskeyOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('begun'),
    account_id: z.string(),
    email: z.string(),
    credentials: z.array(z.object({ id: z.string(), transports: z.array(z.string()) })),
  }),
  z.object({ outcome: z.literal('full'), email: z.string() }),
  notFresh,
  signIn,
])
export type BeginPasskeyOutcome = z.infer<typeof beginPasskeyOutcome>

export type BeginPasskeyArguments = FreshArguments & {
  readonly p_challenge_digest: string
  readonly p_maximum: number
}

export function beginPasskey(store: Store, args: BeginPasskeyArguments): Promise<BeginPasskeyOutcome> {
  return callFor(store, 'begin_passkey', args, beginPasskeyOutcome)
}

/** What was verified of a new passkey, and what its person calls it. */
export type PasskeyRow = {
  readonly passkey_id: string
  readonly credential_id: string
  readonly public_key: string
  readonly sign_count: number
  readonly transports: readonly string[]
  readonly backup_eligible: boolean
  readonly backed_up: boolean
  readonly name: string
}

const addPasskeyOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('added'),
    email: z.string(),
    settles_at_seconds: absent(z.number()),
    report_ended: reportEnded,
  }),
  outcome('challenge_gone'),
  outcome('already_known'),
  outcome('full'),
  notFresh,
  signIn,
])
export type AddPasskeyOutcome = z.infer<typeof addPasskeyOutcome>

export type AddPasskeyArguments = FreshArguments & {
  readonly p_challenge_digests: readonly string[]
  readonly p_passkey: PasskeyRow
  readonly p_maximum: number
  readonly p_request: RequestFacts
  /** How long an account's first passkey can be removed with a code. */
  readonly p_wait_seconds: number
}

export function addPasskey(store: Store, args: AddPasskeyArguments): Promise<AddPasskeyOutcome> {
  return callFor(store, 'add_passkey', args, addPasskeyOutcome)
}

const renamePasskeyOutcome = z.discriminatedUnion('outcome', [outcome('renamed'), outcome('not_found'), signIn])
export type RenamePasskeyOutcome = z.infer<typeof renamePasskeyOutcome>

export function renamePasskey(
  store: Store,
  args: PersonArguments & { readonly p_passkey_id: string; readonly p_name: string },
): Promise<RenamePasskeyOutcome> {
  return callFor(store, 'rename_passkey', args, renamePasskeyOutcome)
}

const removePasskeyOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('removed'), email: z.string(), report_ended: reportEnded }),
  outcome('not_found'),
  notFresh,
  signIn,
])
export type RemovePasskeyOutcome = z.infer<typeof removePasskeyOutcome>

export function removePasskey(
  store: Store,
  args: FreshArguments & { readonly p_passkey_id: string; readonly p_request: RequestFacts },
): Promise<RemovePasskeyOutcome> {
  return callFor(store, 'remove_passkey', args, removePasskeyOutcome)
}

const takePasskeyChallengeOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('taken'),
    /** Which of the transaction's challenges it was. */
    passkey_round: z.number(),
    passkey: z.object({
      passkey_id: z.string(),
      account_id: z.string(),
      credential_id: z.string(),
      public_key: z.string(),
      sign_count: z.number(),
    }),
  }),
  outcome('passkey_unknown'),
  transactionGone,
])
export type TakePasskeyChallengeOutcome = z.infer<typeof takePasskeyChallengeOutcome>
export type StoredPasskey = Extract<TakePasskeyChallengeOutcome, { outcome: 'taken' }>['passkey']

export type TakePasskeyChallengeArguments = {
  readonly p_transaction_id: string
  readonly p_browser_digests: readonly string[]
  readonly p_credential_id: string
  readonly p_request: RequestFacts
}

export function takePasskeyChallenge(
  store: Store,
  args: TakePasskeyChallengeArguments,
): Promise<TakePasskeyChallengeOutcome> {
  return callFor(store, 'take_passkey_challenge', args, takePasskeyChallengeOutcome)
}

const verifyPasskeyOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('verified'),
    account_id: z.string(),
    email: z.string(),
    /** A sign-in for one of our own pages leads there. */
    page: absent(z.string()),
    devices_forgotten_at_seconds: absent(z.number()),
    report_ended: reportEnded,
  }),
  outcome('refused'),
  outcome('passkey_unknown'),
  outcome('account_disabled'),
  transactionGone,
])
export type VerifyPasskeyOutcome = z.infer<typeof verifyPasskeyOutcome>

export type VerifyPasskeyArguments = {
  readonly p_transaction_id: string
  readonly p_browser_digests: readonly string[]
  readonly p_passkey_id: string
  /** What was verified; null where the answer was wrong, and then there is a reason. */
  readonly p_proof: { readonly sign_count: number; readonly backed_up: boolean } | null
  readonly p_reason: string | null
  readonly p_old_session_digests: readonly string[]
  readonly p_session_digest: string
  readonly p_kid: string
  readonly p_lifetimes: SessionLifetimes
  readonly p_request: RequestFacts
}

export function verifyPasskey(store: Store, args: VerifyPasskeyArguments): Promise<VerifyPasskeyOutcome> {
  return callFor(store, 'verify_passkey', args, verifyPasskeyOutcome)
}
