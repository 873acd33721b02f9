import * as z from 'zod/mini'
import { callFor, type Store } from './client.ts'
import { absent, callerRefusals, outcome, type RequestFacts } from './rows.ts'
import type { Caller } from './servers.ts'

/** One page of something of a server: where it goes on is the `next` of the page before; null is the first. */
export type PageArguments = {
  readonly p_server_id: string
  readonly p_caller: Caller | null
  readonly p_before: string | null
  readonly p_limit: number
}

const serverConnectionRow = z.object({
  connection_id: z.string(),
  client_id: z.string(),
  client_name: z.string(),
  client_kind: z.string(),
  sub: z.string(),
  /** Only where it is shared (J26). */
  email: absent(z.string()),
  scopes: z.array(z.string()),
  created_at_seconds: z.number(),
  last_used_at_seconds: absent(z.number()),
  expires_at_seconds: z.number(),
  suspended: z.boolean(),
})
export type ServerConnectionRow = z.infer<typeof serverConnectionRow>

const listServerConnectionsOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), connections: z.array(serverConnectionRow), next: absent(z.string()) }),
  ...callerRefusals,
])
export type ListServerConnectionsOutcome = z.infer<typeof listServerConnectionsOutcome>

export function listServerConnections(store: Store, args: PageArguments): Promise<ListServerConnectionsOutcome> {
  return callFor(store, 'list_server_connections', args, listServerConnectionsOutcome)
}

export type RevokeServerConnectionArguments = {
  readonly p_server_id: string
  readonly p_connection_id: string
  readonly p_caller: Caller | null
  readonly p_request: RequestFacts
}

const revokeServerConnectionOutcome = z.discriminatedUnion('outcome', [outcome('revoked'), ...callerRefusals])
export type RevokeServerConnectionOutcome = z.infer<typeof revokeServerConnectionOutcome>

export function revokeServerConnection(
  store: Store,
  args: RevokeServerConnectionArguments,
): Promise<RevokeServerConnectionOutcome> {
  return callFor(store, 'revoke_server_connection', args, revokeServerConnectionOutcome)
}

const serverEventRow = z.object({
  event_id: z.string(),
  event: z.string(),
  reason: absent(z.string()),
  occurred_at_seconds: z.number(),
  client_id: absent(z.string()),
  connection_id: absent(z.string()),
  transaction_id: absent(z.string()),
  /** The request id that the person saw. */
  reference: absent(z.string()),
  detail: absent(z.record(z.string(), z.unknown())),
})
export type ServerEventRow = z.infer<typeof serverEventRow>

export type EventFilter = {
  readonly event?: string | undefined
  readonly client_id?: string | undefined
  readonly connection_id?: string | undefined
  readonly transaction_id?: string | undefined
  readonly reference?: string | undefined
}

const listServerEventsOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), events: z.array(serverEventRow), next: absent(z.string()) }),
  ...callerRefusals,
])
export type ListServerEventsOutcome = z.infer<typeof listServerEventsOutcome>

export function listServerEvents(
  store: Store,
  args: PageArguments & { readonly p_filter: EventFilter },
): Promise<ListServerEventsOutcome> {
  return callFor(store, 'list_server_events', args, listServerEventsOutcome)
}

const usageRow = z.object({
  /** UTC, YYYY-MM-DD. */
  day: z.string(),
  client_id: absent(z.string()),
  client_name: absent(z.string()),
  connected: z.number(),
  used: z.number(),
  refreshed: z.number(),
  active_minutes: z.number(),
})
export type UsageRow = z.infer<typeof usageRow>

const readServerUsageOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), days: z.array(usageRow), next: absent(z.string()) }),
  ...callerRefusals,
])
export type ReadServerUsageOutcome = z.infer<typeof readServerUsageOutcome>

export function readServerUsage(
  store: Store,
  args: PageArguments & { readonly p_from: string; readonly p_to: string },
): Promise<ReadServerUsageOutcome> {
  return callFor(store, 'read_server_usage', args, readServerUsageOutcome)
}

const authorizationRow = z.object({
  started_at_seconds: z.number(),
  state: z.string(),
  transaction_id: absent(z.string()),
  connection_id: absent(z.string()),
  client_id: z.string(),
  client_name: z.string(),
  steps: z.array(serverEventRow),
  last_refusal: absent(
    z.object({
      step: z.string(),
      reason: z.string(),
      reference: z.nullish(z.string()),
      occurred_at_seconds: z.number(),
    }),
  ),
})
export type AuthorizationStateRow = z.infer<typeof authorizationRow>

const listAuthorizationsOutcome = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('found'), authorizations: z.array(authorizationRow), next: absent(z.string()) }),
  ...callerRefusals,
])
export type ListAuthorizationsOutcome = z.infer<typeof listAuthorizationsOutcome>

export function listAuthorizations(
  store: Store,
  args: PageArguments & { readonly p_reference: string | null },
): Promise<ListAuthorizationsOutcome> {
  return callFor(store, 'list_authorizations', args, listAuthorizationsOutcome)
}
