import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { absent, clientSnapshot, outcome, type RequestFacts, scopeRow } from './rows.ts'

/** Who uses one of our own pages: a session's cookie, judged in the database with each call. */
export type PersonArguments = {
  readonly p_session_digests: readonly string[]
  readonly p_session_idle_seconds: number
}

const signIn = outcome('sign_in')

const readPersonOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), email: z.string() }),
  outcome('not_fresh'),
  signIn,
])
export type ReadPersonOutcome = z.infer<typeof readPersonOutcome>

export function readPerson(
  store: Store,
  args: PersonArguments & {
    /** How old the sign-in may be; null: as old as a session gets. */
    readonly p_fresh_seconds: number | null
  },
): Promise<ReadPersonOutcome> {
  return callFor(store, 'read_person', args, readPersonOutcome)
}

const ownConnection = z.object({
  connection_id: z.string(),
  client: clientSnapshot,
  redirect_uri: z.string(),
  resource_kind: z.enum(['server', 'management', 'identity']),
  resource: z.string(),
  server_name: absent(z.string()),
  /** Granted and still registered. */
  scopes: z.array(z.string()),
  /** Whether the server learns the e-mail address whatever the scopes. */
  email_shared: z.boolean(),
  /** Held since its client proves itself less well than at the approval. */
  suspended: z.boolean(),
  first_used_at_seconds: z.number(),
  last_used_at_seconds: absent(z.number()),
  /** When it ends if it is not used until then, and when at the latest. */
  idle_expires_at_seconds: z.number(),
  expires_at_seconds: z.number(),
  user_agent: absent(z.string()),
  country: absent(z.string()),
})
export type OwnConnection = z.infer<typeof ownConnection>

const listOwnConnectionsOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('found'),
    email: z.string(),
    connections: z.array(ownConnection),
    next: absent(z.string()),
  }),
  signIn,
])
export type ListOwnConnectionsOutcome = z.infer<typeof listOwnConnectionsOutcome>

export type PageArguments = { readonly p_limit: number }

export function listOwnConnections(
  store: Store,
  args: PersonArguments & PageArguments & { readonly p_after: string | null },
): Promise<ListOwnConnectionsOutcome> {
  return callFor(store, 'list_own_connections', args, listOwnConnectionsOutcome)
}

const readOwnConnectionOutcome = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('found'),
    email: z.string(),
    connection: ownConnection,
    catalogue: z.array(scopeRow),
    /** How many live connections the same client, the same server and the person have. */
    of_client: z.number(),
    of_server: z.number(),
    of_all: z.number(),
  }),
  outcome('not_found'),
  signIn,
])
export type ReadOwnConnectionOutcome = z.infer<typeof readOwnConnectionOutcome>

export function readOwnConnection(
  store: Store,
  args: PersonArguments & { readonly p_connection_id: string },
): Promise<ReadOwnConnectionOutcome> {
  return callFor(store, 'read_own_connection', args, readOwnConnectionOutcome)
}

export type RevokeOwnConnectionsArguments = PersonArguments & {
  /** null with `all`. */
  readonly p_connection_id: string | null
  readonly p_extent: 'one' | 'client' | 'server' | 'all'
  readonly p_request: RequestFacts
}

const revokeOwnConnectionsOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('revoked'), count: z.number() }),
  outcome('not_found'),
  signIn,
])
export type RevokeOwnConnectionsOutcome = z.infer<typeof revokeOwnConnectionsOutcome>

export function revokeOwnConnections(
  store: Store,
  args: RevokeOwnConnectionsArguments,
): Promise<RevokeOwnConnectionsOutcome> {
  return callFor(store, 'revoke_own_connections', args, revokeOwnConnectionsOutcome)
}

export type NarrowOwnConnectionArguments = PersonArguments & {
  readonly p_connection_id: string
  /** Those that stay. */
  readonly p_scopes: readonly string[]
  readonly p_request: RequestFacts
}

const narrowOwnConnectionOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('narrowed'), scopes: z.array(z.string()) }),
  outcome('revoked'),
  outcome('scope_not_granted'),
  outcome('not_found'),
  signIn,
])
export type NarrowOwnConnectionOutcome = z.infer<typeof narrowOwnConnectionOutcome>

export function narrowOwnConnection(
  store: Store,
  args: NarrowOwnConnectionArguments,
): Promise<NarrowOwnConnectionOutcome> {
  return callFor(store, 'narrow_own_connection', args, narrowOwnConnectionOutcome)
}

const ownEvent = z.object({
  event: z.string(),
  reason: absent(z.string()),
  occurred_at_seconds: z.number(),
  ip: absent(z.string()),
  user_agent: absent(z.string()),
  country: absent(z.string()),
  client_name: absent(z.string()),
  server_name: absent(z.string()),
  scopes: absent(z.array(z.string())),
})
export type OwnEvent = z.infer<typeof ownEvent>

const listOwnEventsOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), email: z.string(), events: z.array(ownEvent), next: absent(z.string()) }),
  signIn,
])
export type ListOwnEventsOutcome = z.infer<typeof listOwnEventsOutcome>

export function listOwnEvents(
  store: Store,
  args: PersonArguments & PageArguments & { readonly p_before: string | null },
): Promise<ListOwnEventsOutcome> {
  return callFor(store, 'list_own_events', args, listOwnEventsOutcome)
}

const rowsOfAnyShape = z.array(z.record(z.string(), z.unknown()))

const exportOwnAccountOutcome = z.discriminatedUnion('outcome', [
  // It goes to the person as it is, so its members are nobody's business here.
  z.object({
    outcome: z.literal('exported'),
    account: z.record(z.string(), z.unknown()),
    servers: rowsOfAnyShape,
    sessions: rowsOfAnyShape,
    passkeys: rowsOfAnyShape,
    lost_passkeys: z.nullable(z.record(z.string(), z.unknown())),
    identities: rowsOfAnyShape,
    connections: rowsOfAnyShape,
    events: rowsOfAnyShape,
  }),
  signIn,
])
export type ExportOwnAccountOutcome = z.infer<typeof exportOwnAccountOutcome>

export function exportOwnAccount(store: Store, args: PersonArguments): Promise<ExportOwnAccountOutcome> {
  return callFor(store, 'export_own_account', args, exportOwnAccountOutcome)
}

export type DeleteOwnAccountArguments = PersonArguments & {
  readonly p_fresh_seconds: number
  readonly p_request: RequestFacts
}

const deleteOwnAccountOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('deleted'), email: z.string(), language: absent(z.string()) }),
  outcome('not_fresh'),
  signIn,
])
export type DeleteOwnAccountOutcome = z.infer<typeof deleteOwnAccountOutcome>

export function deleteOwnAccount(store: Store, args: DeleteOwnAccountArguments): Promise<DeleteOwnAccountOutcome> {
  return callFor(store, 'delete_own_account', args, deleteOwnAccountOutcome)
}
