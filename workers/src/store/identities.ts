import * as z from 'zod/mini'
import type { PersonArguments } from './account.ts'
import { callFor, type Store } from './client.ts'
import type { EmailCodeLimits, SessionLifetimes } from './email-codes.ts'
import { absent, type KnownDevice, outcome, type RequestFacts, transactionGone } from './rows.ts'

/** Whom a provider vouches for; the address only where it has verified it. */
export type IdentityRow = {
  readonly issuer: string
  readonly subject: string
  readonly email?: string | undefined
  readonly auth_time_seconds?: number | undefined
}

export type SignInWithProviderArguments = {
  readonly p_transaction_id: string
  readonly p_browser_digests: readonly string[]
  readonly p_identity: IdentityRow
  /** What is sent where the account there is not linked yet. */
  readonly p_code: {
    readonly digest: string
    readonly kid: string
    readonly limits: EmailCodeLimits
    readonly device: KnownDevice | null
    readonly ip: string | null
  } | null
  readonly p_old_session_digests: readonly string[]
  readonly p_session_digest: string
  readonly p_kid: string
  readonly p_lifetimes: SessionLifetimes
  readonly p_request: RequestFacts
}

const signInWithProviderOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('verified'),
    account_id: z.string(),
    email: z.string(),
    /** A sign-in for one of our own pages leads there. */
    page: absent(z.string()),
    devices_forgotten_at_seconds: absent(z.number()),
  }),
  z.object({
    outcome: z.literal('confirm'),
    email: z.string(),
    /** False where a limit holds the mail back. */
    sent: z.boolean(),
    server_host: absent(z.string()),
  }),
  outcome('email_unverified'),
  outcome('account_disabled'),
  outcome('switched_off'),
  transactionGone,
])
export type SignInWithProviderOutcome = z.infer<typeof signInWithProviderOutcome>

export function signInWithProvider(
  store: Store,
  args: SignInWithProviderArguments,
): Promise<SignInWithProviderOutcome> {
  return callFor(store, 'sign_in_with_provider', args, signInWithProviderOutcome)
}

const removeIdentityOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('removed'), email: z.string(), issuer: z.string() }),
  outcome('not_found'),
  outcome('not_fresh'),
  outcome('sign_in'),
])
export type RemoveIdentityOutcome = z.infer<typeof removeIdentityOutcome>

export function removeIdentity(
  store: Store,
  args: PersonArguments & {
    readonly p_fresh_seconds: number
    readonly p_identity_id: string
    readonly p_request: RequestFacts
  },
): Promise<RemoveIdentityOutcome> {
  return callFor(store, 'remove_identity', args, removeIdentityOutcome)
}
