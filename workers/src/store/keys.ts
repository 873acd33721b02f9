import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { absent, callerRefusals, limited, outcome, type RequestFacts } from './rows.ts'
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
  readonly p_request: RequestFacts
}

const createKeyOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('created'),
    key: z.object({
      key_id: z.string(),
      name: z.string(),
      created_at_seconds: z.number(),
      expires_at_seconds: absent(z.number()),
    }),
  }),
  limited,
  ...callerRefusals,
])
export type CreateKeyOutcome = z.infer<typeof createKeyOutcome>

export function createKey(store: Store, args: CreateKeyArguments): Promise<CreateKeyOutcome> {
  return callFor(store, 'create_key', args, createKeyOutcome)
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

const listKeysOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), keys: z.array(keyRow) }),
  ...callerRefusals,
])
export type ListKeysOutcome = z.infer<typeof listKeysOutcome>

export function listKeys(
  store: Store,
  args: { readonly p_server_id: string; readonly p_caller: Caller | null },
): Promise<ListKeysOutcome> {
  return callFor(store, 'list_keys', args, listKeysOutcome)
}

export type RevokeKeyArguments = {
  readonly p_server_id: string
  readonly p_key_id: string
  readonly p_caller: Caller | null
  readonly p_request: RequestFacts
}

const revokeKeyOutcome = z.discriminatedUnion('outcome', [outcome('revoked'), limited, ...callerRefusals])
export type RevokeKeyOutcome = z.infer<typeof revokeKeyOutcome>

export function revokeKey(store: Store, args: RevokeKeyArguments): Promise<RevokeKeyOutcome> {
  return callFor(store, 'revoke_key', args, revokeKeyOutcome)
}
