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

export type CreateKeyArguments = {
  readonly p_server_id: string
  readonly p_caller: Caller | null
  readonly p_key: {
    readonly key_id: string
    readonly digest: string
    readonly kid: string
    readonly name: string
    readonly last_four: string
    readonly expires_in_seconds?: number | undefined
  }
  readonly p_limits: { readonly keys: number; readonly writes_per_hour: number }
  readonly p_idempotency: Idempotency | null
  readonly p_request: RequestFacts
}

const keyRow = z.object({
  key_id: z.string(),
  name: z.string(),
  last_four: z.string(),
  created_at_seconds: z.number(),
  expires_at_seconds: absent(z.number()),
  last_used_at_seconds: absent(z.number()),
  revoked_at_seconds: absent(z.number()),
})
export type KeyRow = z.infer<typeof keyRow>

const createKeyOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('created'),
    key: keyRow,
    /** Whether the digest that was sent is the one that is stored: then the secret is this key's. */
    secret_is_same: z.boolean(),
    replayed: absent(z.boolean()),
    notice,
  }),
  outcome('idempotency_mismatch'),
  limited,
  ...callerRefusals,
])
export type CreateKeyOutcome = z.infer<typeof createKeyOutcome>

export function createKey(store: Store, args: CreateKeyArguments): Promise<CreateKeyOutcome> {
  return callFor(store, 'create_key', args, createKeyOutcome)
}

const listKeysOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), keys: z.array(keyRow), next: absent(z.string()) }),
  ...callerRefusals,
])
export type ListKeysOutcome = z.infer<typeof listKeysOutcome>

export function listKeys(
  store: Store,
  args: PageOfList & { readonly p_server_id: string; readonly p_caller: Caller | null },
): Promise<ListKeysOutcome> {
  return callFor(store, 'list_keys', args, listKeysOutcome)
}

export type RevokeKeyArguments = {
  readonly p_server_id: string
  readonly p_key_id: string
  readonly p_caller: Caller | null
  readonly p_request: RequestFacts
}

const revokeKeyOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('revoked'), notice }),
  limited,
  ...callerRefusals,
])
export type RevokeKeyOutcome = z.infer<typeof revokeKeyOutcome>

export function revokeKey(store: Store, args: RevokeKeyArguments): Promise<RevokeKeyOutcome> {
  return callFor(store, 'revoke_key', args, revokeKeyOutcome)
}

const takeExpiringKeysOutcome = z.object({
  outcome: z.literal('taken'),
  keys: z.array(z.object({ key_id: z.string(), server_id: z.string(), expires_at_seconds: z.number(), notice })),
})
export type TakeExpiringKeysOutcome = z.infer<typeof takeExpiringKeysOutcome>

export function takeExpiringKeys(store: Store, args: { readonly p_limit: number }): Promise<TakeExpiringKeysOutcome> {
  return callFor(store, 'take_expiring_keys', args, takeExpiringKeysOutcome)
}
