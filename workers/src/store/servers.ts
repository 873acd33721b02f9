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
  type ScopeRow,
  scopeRow,
  serverRow,
  type WriteLimits,
} from './rows.ts'

/**
 * Who manages servers: a management token, an access token for this server's own API, a personal token, or (on our own
 * pages alone) a session; null is nobody.
 */
export type Caller =
  | { readonly kind: 'management'; readonly public_part: string; readonly digests: readonly string[] }
  | {
      readonly kind: 'connection'
      readonly connection_id: string
      readonly epoch: number
      readonly scopes: readonly string[]
    }
  | { readonly kind: 'personal'; readonly token_id: string; readonly digests: readonly string[] }
  | {
      readonly kind: 'session'
      readonly digests: readonly string[]
      readonly idle_seconds: number
      /** How old the sign-in may be (J22); absent: as old as a session gets. */
      readonly fresh_seconds?: number | undefined
    }

export type ServerRow = z.infer<typeof serverRow>

const publicServerRow = z.object({
  server_id: z.string(),
  server_url: z.string(),
  server_name: z.string(),
  scopes: z.array(scopeRow),
  status: z.string(),
})
export type PublicServerRow = z.infer<typeof publicServerRow>

export type RegisterServerArguments = {
  readonly p_server_id: string
  readonly p_server: {
    readonly server_url: string
    readonly server_name: string
    readonly description?: string | undefined
    readonly logo_url?: string | undefined
    readonly scopes: readonly ScopeRow[]
    readonly user_id?: string | undefined
    readonly token_lifetime_seconds?: number | undefined
    readonly share_email: boolean
    readonly requires_passkey?: boolean | undefined
    readonly sign_in_max_age_seconds?: number | undefined
  }
  readonly p_status: 'pending' | 'verified'
  readonly p_management: { readonly public_part: string; readonly digest: string; readonly kid: string } | null
  readonly p_caller: Caller | null
  readonly p_limits: { readonly servers: number; readonly writes_per_hour: number }
  readonly p_idempotency: Idempotency | null
  readonly p_request: RequestFacts
}

const registerServerOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('registered'), server: serverRow, replayed: absent(z.boolean()) }),
  outcome('server_url_taken'),
  outcome('idempotency_mismatch'),
  limited,
  ...callerRefusals,
])
export type RegisterServerOutcome = z.infer<typeof registerServerOutcome>

export function registerServer(store: Store, args: RegisterServerArguments): Promise<RegisterServerOutcome> {
  return callFor(store, 'register_server', args, registerServerOutcome)
}

/** SQL says `public: true` for a stranger's view; here that is an outcome of its own. */
const readServerOutcome = z.union([
  z.object({
    outcome: z.literal('found'),
    public: z.optional(z.literal(false)),
    server: serverRow,
    viewer_email: absent(z.string()),
  }),
  z.pipe(
    z.object({ outcome: z.literal('found'), public: z.literal(true), server: publicServerRow }),
    z.transform(({ server }) => ({ outcome: 'found_public' as const, server })),
  ),
  z.discriminatedUnion('outcome', callerRefusals),
])
export type ReadServerOutcome = z.infer<typeof readServerOutcome>

export function readServer(
  store: Store,
  args: { readonly p_server_id: string; readonly p_caller: Caller | null },
): Promise<ReadServerOutcome> {
  return callFor(store, 'read_server', args, readServerOutcome)
}

const listServersOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('found'),
    servers: z.array(serverRow),
    next: absent(z.string()),
    viewer_email: absent(z.string()),
  }),
  ...callerRefusals,
])
export type ListServersOutcome = z.infer<typeof listServersOutcome>

export function listServers(
  store: Store,
  args: PageOfList & { readonly p_caller: Caller | null },
): Promise<ListServersOutcome> {
  return callFor(store, 'list_servers', args, listServersOutcome)
}

export type UpdateServerArguments = {
  readonly p_server_id: string
  readonly p_caller: Caller | null
  /** Only the members that change; null erases an optional one. */
  readonly p_changes: {
    readonly server_name?: string | undefined
    readonly description?: string | null | undefined
    readonly logo_url?: string | null | undefined
    readonly scopes?: readonly ScopeRow[] | undefined
    readonly token_lifetime_seconds?: number | null | undefined
    readonly share_email?: boolean | undefined
    readonly requires_passkey?: boolean | undefined
    readonly sign_in_max_age_seconds?: number | null | undefined
    readonly client_policy?: string | undefined
  }
  readonly p_limits: WriteLimits
  readonly p_request: RequestFacts
}

const updateServerOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('updated'), server: serverRow, notice }),
  limited,
  ...callerRefusals,
])
export type UpdateServerOutcome = z.infer<typeof updateServerOutcome>

export function updateServer(store: Store, args: UpdateServerArguments): Promise<UpdateServerOutcome> {
  return callFor(store, 'update_server', args, updateServerOutcome)
}

export type DeleteServerArguments = {
  readonly p_server_id: string
  readonly p_caller: Caller | null
  readonly p_request: RequestFacts
}

const deleteServerOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('deleted'), notice }),
  limited,
  ...callerRefusals,
])
export type DeleteServerOutcome = z.infer<typeof deleteServerOutcome>

export function deleteServer(store: Store, args: DeleteServerArguments): Promise<DeleteServerOutcome> {
  return callFor(store, 'delete_server', args, deleteServerOutcome)
}

const readProtectedResourceOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('found'),
    server_id: z.string(),
    resource: z.string(),
    server_name: z.string(),
    scopes: z.array(z.string()),
  }),
  outcome('not_found'),
])
export type ReadProtectedResourceOutcome = z.infer<typeof readProtectedResourceOutcome>

export function readProtectedResource(
  store: Store,
  args: { readonly p_server_id: string },
): Promise<ReadProtectedResourceOutcome> {
  return callFor(store, 'read_protected_resource', args, readProtectedResourceOutcome)
}
