import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import {
  absent,
  callerRefusals,
  type Idempotency,
  limited,
  notice,
  outcome,
  type PageOfList,
  type RequestFacts,
} from './rows.ts'
import type { Caller } from './servers.ts'

const personalTokenRow = z.object({
  token_id: z.string(),
  name: z.string(),
  last_four: z.string(),
  scopes: z.array(z.string()),
  created_at_seconds: z.number(),
  expires_at_seconds: z.number(),
  last_used_at_seconds: absent(z.number()),
  revoked_at_seconds: absent(z.number()),
})
export type PersonalTokenRow = z.infer<typeof personalTokenRow>

export type CreatePersonalTokenArguments = {
  readonly p_caller: Caller | null
  readonly p_token: {
    readonly token_id: string
    readonly digest: string
    readonly kid: string
    readonly name: string
    readonly last_four: string
    readonly scopes: readonly string[]
    readonly expires_in_seconds: number
  }
  readonly p_limits: { readonly tokens: number; readonly writes_per_hour: number; readonly fresh_seconds: number }
  readonly p_idempotency: Idempotency | null
  readonly p_request: RequestFacts
}

const createPersonalTokenOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('created'),
    token: personalTokenRow,
    /** Whether the digest that was sent is the one that is stored: then the secret is this token's. */
    secret_is_same: z.boolean(),
    replayed: absent(z.boolean()),
    notice,
  }),
  outcome('idempotency_mismatch'),
  outcome('not_allowed'),
  limited,
  ...callerRefusals,
])
export type CreatePersonalTokenOutcome = z.infer<typeof createPersonalTokenOutcome>

export function createPersonalToken(
  store: Store,
  args: CreatePersonalTokenArguments,
): Promise<CreatePersonalTokenOutcome> {
  return callFor(store, 'create_personal_token', args, createPersonalTokenOutcome)
}

const listPersonalTokensOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('found'),
    tokens: z.array(personalTokenRow),
    next: absent(z.string()),
    viewer_email: absent(z.string()),
  }),
  ...callerRefusals,
])
export type ListPersonalTokensOutcome = z.infer<typeof listPersonalTokensOutcome>

export function listPersonalTokens(
  store: Store,
  args: PageOfList & { readonly p_caller: Caller | null },
): Promise<ListPersonalTokensOutcome> {
  return callFor(store, 'list_personal_tokens', args, listPersonalTokensOutcome)
}

export type RevokePersonalTokenArguments = {
  readonly p_token_id: string
  readonly p_caller: Caller | null
  readonly p_request: RequestFacts
}

const revokePersonalTokenOutcome = z.discriminatedUnion('outcome', [outcome('revoked'), ...callerRefusals])
export type RevokePersonalTokenOutcome = z.infer<typeof revokePersonalTokenOutcome>

export function revokePersonalToken(
  store: Store,
  args: RevokePersonalTokenArguments,
): Promise<RevokePersonalTokenOutcome> {
  return callFor(store, 'revoke_personal_token', args, revokePersonalTokenOutcome)
}
