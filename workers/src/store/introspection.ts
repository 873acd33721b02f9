import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { absent, type RequestFacts, refusal } from './rows.ts'

export type IntrospectTokenArguments = {
  readonly p_key_id: string
  readonly p_key_digests: readonly string[]
  /** The user name of Basic authentication; null with a bearer key. */
  readonly p_server_id: string | null
  /** null: the token was no access token of ours; the key is judged all the same. */
  readonly p_connection_id: string | null
  readonly p_audience: string
  readonly p_epoch: number
  readonly p_expires_at_seconds: number
  readonly p_scope: readonly string[]
  readonly p_request: RequestFacts
}

const introspectTokenOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('active'),
    sub: z.string(),
    client_id: z.string(),
    scopes: z.array(z.string()),
    aud: z.string(),
    username: absent(z.string()),
    email: absent(z.string()),
    email_verified: absent(z.boolean()),
    server_id: z.string(),
    auth_time_seconds: z.number(),
  }),
  refusal('inactive'),
  refusal('key_refused'),
])
export type IntrospectTokenOutcome = z.infer<typeof introspectTokenOutcome>

export function introspectToken(store: Store, args: IntrospectTokenArguments): Promise<IntrospectTokenOutcome> {
  return callFor(store, 'introspect_token', args, introspectTokenOutcome)
}
