import type { ConnectionRow, ConnectionTarget } from '../pages/account-connections.tsx'
import type { Messages } from '../pages/messages/en.ts'
import { placeText } from '../pages/place.ts'
import type { OwnConnection } from '../store/account.ts'
import { clientProof, hostOf } from './consent-view.ts'
import { deviceFamily } from './device-family.ts'

function targetOf({ resource_kind, resource, server_name }: OwnConnection): ConnectionTarget {
  if (resource_kind !== 'server') return { kind: resource_kind }
  const host = hostOf(resource)
  return { kind: 'server', name: server_name ?? host, host }
}

/** A connection as a line of the list. */
export function connectionRow(connection: OwnConnection): ConnectionRow {
  const { client } = connection
  return {
    id: connection.connection_id,
    client: { name: client.client_name, proof: clientProof(client) },
    target: targetOf(connection),
    scopes: connection.scopes,
    isSuspended: connection.suspended,
    lastUsedAtSeconds: connection.last_used_at_seconds,
  }
}

type Told = { readonly user_agent?: string | undefined; readonly country?: string | undefined }

/** Where a request came from, in words. */
export function placeOf({ user_agent, country }: Told, messages: Messages): string {
  return placeText({ ...deviceFamily(user_agent), country }, messages)
}
