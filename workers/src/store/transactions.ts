import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import {
  absent,
  type ClientSnapshot,
  clientSnapshot,
  limited,
  outcome,
  pageTransaction,
  type RequestFacts,
  refusal,
  transaction,
  transactionGone,
} from './rows.ts'

/** The validated request, as it is kept in the transaction. */
export type AuthorizationRow = {
  readonly redirect_uri: string
  readonly state?: string | undefined
  /** null means the request named none. */
  readonly scope: readonly string[] | null
  readonly resource?: string | undefined
  /** Longest first; empty when the request named no resource. */
  readonly resource_candidates: readonly string[]
  readonly resource_is_origin: boolean
  readonly code_challenge: string
  readonly nonce?: string | undefined
  readonly prompt: readonly string[]
  readonly max_age_seconds?: number | undefined
  readonly login_hint?: string | undefined
  readonly issuer: string
  readonly redirect_trust: 'proven' | 'unproven'
}

export type ConnectionLifetimes = {
  readonly transaction_seconds: number
  readonly code_seconds: number
  readonly session_idle_seconds: number
  readonly refresh_idle_seconds: number
  readonly refresh_absolute_seconds: number
  readonly remembered_consent_seconds: number
}

export type OpenTransactionArguments = {
  readonly p_transaction_id: string
  readonly p_browser_digests: readonly string[]
  readonly p_browser_digest: string
  readonly p_kid: string
  readonly p_session_digests: readonly string[]
  readonly p_client: ClientSnapshot
  readonly p_authorization: AuthorizationRow
  readonly p_connection_id: string
  readonly p_code_digest: string
  readonly p_lifetimes: ConnectionLifetimes
  readonly p_max_open_transactions: number
  readonly p_request: RequestFacts
}

const signIn = z.object({ outcome: z.literal('sign_in'), transaction })
const consent = z.object({ outcome: z.literal('consent'), transaction })
const approved = z.object({
  outcome: z.literal('approved'),
  redirect_uri: z.string(),
  state: absent(z.string()),
  client: clientSnapshot,
  scopes: z.array(z.string()),
})

const openTransactionOutcome = z.discriminatedUnion('outcome', [
  outcome('client_unknown'),
  outcome('client_blocked'),
  z.object({ outcome: z.literal('invalid_target'), reason: z.string(), server_url: absent(z.string()) }),
  refusal('invalid_scope'),
  refusal('unauthorized_client'),
  signIn,
  consent,
  approved,
])
export type OpenTransactionOutcome = z.infer<typeof openTransactionOutcome>

export function openTransaction(store: Store, args: OpenTransactionArguments): Promise<OpenTransactionOutcome> {
  return callFor(store, 'open_transaction', args, openTransactionOutcome)
}

export type OpenSignInArguments = {
  readonly p_transaction_id: string
  readonly p_browser_digests: readonly string[]
  readonly p_browser_digest: string
  readonly p_kid: string
  readonly p_session_digests: readonly string[]
  /** Where it leads; one of our own pages. */
  readonly p_page: string
  /** How old the sign-in may be; null: as old as a session gets. */
  readonly p_fresh_seconds: number | null
  readonly p_lifetimes: Pick<ConnectionLifetimes, 'transaction_seconds' | 'session_idle_seconds'>
  readonly p_max_open_transactions: number
  readonly p_needs_passkey: boolean
}

const pageSignIn = z.object({ outcome: z.literal('page_sign_in'), transaction: pageTransaction })

const openSignInOutcome = z.discriminatedUnion('outcome', [outcome('signed_in'), pageSignIn])
export type OpenSignInOutcome = z.infer<typeof openSignInOutcome>

export function openSignIn(store: Store, args: OpenSignInArguments): Promise<OpenSignInOutcome> {
  return callFor(store, 'open_sign_in', args, openSignInOutcome)
}

export type ReadTransactionArguments = {
  readonly p_transaction_id: string
  readonly p_browser_digests: readonly string[]
  readonly p_session_digests: readonly string[]
  readonly p_session_idle_seconds: number
  readonly p_request: RequestFacts
}

/** What this browser already did about its e-mail code. */
const challengeMembers = {
  email_code_sent: z.boolean(),
  email: absent(z.string()),
  attempts_left: absent(z.number()),
  /** Of the account elsewhere that this code links. */
  linking_issuer: absent(z.string()),
}

const readTransactionOutcome = z.discriminatedUnion('outcome', [
  z.extend(signIn, challengeMembers),
  z.extend(consent, challengeMembers),
  z.extend(pageSignIn, challengeMembers),
  z.object({ outcome: z.literal('page'), page: z.string() }),
  transactionGone,
])
export type ReadTransactionOutcome = z.infer<typeof readTransactionOutcome>

export function readTransaction(store: Store, args: ReadTransactionArguments): Promise<ReadTransactionOutcome> {
  return callFor(store, 'read_transaction', args, readTransactionOutcome)
}

export type DecideConsentArguments = {
  readonly p_transaction_id: string
  readonly p_browser_digests: readonly string[]
  readonly p_session_digests: readonly string[]
  readonly p_session_idle_seconds: number
  readonly p_decision: 'approve' | 'deny'
  /** The ticked ones. */
  readonly p_scopes: readonly string[]
  readonly p_connection_id: string
  readonly p_code_digest: string
  readonly p_kid: string
  readonly p_lifetimes: ConnectionLifetimes
  readonly p_request: RequestFacts
}

const decideConsentOutcome = z.discriminatedUnion('outcome', [
  z.extend(approved, {
    /** Whom to tell, when this client is connected for the first time by this person. */
    first_connection: absent(
      z.object({
        email: z.string(),
        kind: z.enum(['server', 'management', 'identity']),
        server_host: absent(z.string()),
      }),
    ),
  }),
  z.object({
    outcome: z.literal('denied'),
    redirect_uri: z.string(),
    state: absent(z.string()),
    client: clientSnapshot,
  }),
  transactionGone,
  outcome('sign_in'),
  outcome('scope_not_requested'),
  refusal('refused'),
  limited,
])
export type DecideConsentOutcome = z.infer<typeof decideConsentOutcome>

export function decideConsent(store: Store, args: DecideConsentArguments): Promise<DecideConsentOutcome> {
  return callFor(store, 'decide_consent', args, decideConsentOutcome)
}
