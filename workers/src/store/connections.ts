import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import {
  absent,
  type ClientProof,
  connection,
  limited,
  outcome,
  type RequestFacts,
  refusal,
  theftNotice,
} from './rows.ts'

export type ExchangeAuthorizationCodeArguments = {
  readonly p_connection_id: string
  readonly p_code_digests: readonly string[]
  readonly p_client_id: string
  readonly p_redirect_uri: string | null
  /** S256 of the presented verifier. */
  readonly p_code_challenge: string
  readonly p_resource_candidates: readonly string[] | null
  readonly p_scope: readonly string[] | null
  readonly p_refresh_digest: string
  readonly p_kid: string
  readonly p_client: ClientProof
  readonly p_request: RequestFacts
}

const exchangeAuthorizationCodeOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('exchanged'), connection }),
  outcome('code_unknown'),
  outcome('code_expired'),
  z.object({ outcome: z.literal('code_replayed'), notice: absent(theftNotice) }),
  outcome('client_mismatch'),
  outcome('redirect_uri_mismatch'),
  outcome('verifier_mismatch'),
  outcome('resource_mismatch'),
  outcome('scope_exceeded'),
  outcome('connection_revoked'),
  outcome('account_disabled'),
  outcome('client_blocked'),
  outcome('client_changed'),
  outcome('client_not_allowed'),
  outcome('assertion_replayed'),
  outcome('server_unavailable'),
  limited,
])
export type ExchangeAuthorizationCodeOutcome = z.infer<typeof exchangeAuthorizationCodeOutcome>

export function exchangeAuthorizationCode(
  store: Store,
  args: ExchangeAuthorizationCodeArguments,
): Promise<ExchangeAuthorizationCodeOutcome> {
  return callFor(store, 'exchange_authorization_code', args, exchangeAuthorizationCodeOutcome)
}

export type RotateRefreshTokenArguments = {
  readonly p_connection_id: string
  readonly p_generation: number
  readonly p_token_digests: readonly string[]
  readonly p_client_id: string
  readonly p_resource_candidates: readonly string[] | null
  readonly p_scope: readonly string[] | null
  readonly p_successor_digest: string
  readonly p_successor_ciphertext: string
  readonly p_kid: string
  readonly p_retry: { readonly window_seconds: number; readonly max: number }
  readonly p_client: ClientProof
  readonly p_request: RequestFacts
}

const rotateRefreshTokenOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('rotated'), connection }),
  z.object({ outcome: z.literal('retried'), connection, successor_ciphertext: z.string() }),
  z.object({ outcome: z.literal('refresh_reused'), notice: theftNotice }),
  outcome('refresh_unknown'),
  outcome('refresh_expired'),
  outcome('client_mismatch'),
  outcome('resource_mismatch'),
  outcome('connection_revoked'),
  outcome('account_disabled'),
  outcome('client_blocked'),
  outcome('client_changed'),
  outcome('client_not_allowed'),
  outcome('assertion_replayed'),
  outcome('server_unavailable'),
  limited,
])
export type RotateRefreshTokenOutcome = z.infer<typeof rotateRefreshTokenOutcome>

export function rotateRefreshToken(
  store: Store,
  args: RotateRefreshTokenArguments,
): Promise<RotateRefreshTokenOutcome> {
  return callFor(store, 'rotate_refresh_token', args, rotateRefreshTokenOutcome)
}

export type RevokeTokenArguments = {
  readonly p_client_id: string
  readonly p_connection_id: string
  /** null: it was an access token, and its signature was ours. */
  readonly p_refresh_digests: readonly string[] | null
  readonly p_generation: number | null
  readonly p_client: ClientProof
  readonly p_request: RequestFacts
}

const revokeTokenOutcome = z.discriminatedUnion('outcome', [
  outcome('revoked'),
  outcome('nothing'),
  outcome('assertion_replayed'),
])
export type RevokeTokenOutcome = z.infer<typeof revokeTokenOutcome>

export function revokeToken(store: Store, args: RevokeTokenArguments): Promise<RevokeTokenOutcome> {
  return callFor(store, 'revoke_token', args, revokeTokenOutcome)
}

export type ReadUserinfoArguments = {
  readonly p_connection_id: string
  readonly p_epoch: number
  readonly p_scope: readonly string[]
}

const readUserinfoOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('found'),
    sub: z.string(),
    scopes: z.array(z.string()),
    email: absent(z.string()),
    email_verified: absent(z.boolean()),
    name: absent(z.string()),
  }),
  refusal('inactive'),
])
export type ReadUserinfoOutcome = z.infer<typeof readUserinfoOutcome>

export function readUserinfo(store: Store, args: ReadUserinfoArguments): Promise<ReadUserinfoOutcome> {
  return callFor(store, 'read_userinfo', args, readUserinfoOutcome)
}
