import type { Client } from '../protocol/client-metadata.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import type { Store } from '../store/client.ts'
import { getClient } from '../store/clients.ts'

/** Rows are kept in the isolate; every function that decides looks at the row again (ARCHITECTURE decision 1). */
const rememberedMs = 60_000
const rememberedCap = 1_000

const remembered = new Map<string, { readonly client: Client; readonly untilMs: number }>()

function remember(client: Client, untilMs: number): void {
  remembered.delete(client.client_id)
  remembered.set(client.client_id, { client, untilMs })
  if (remembered.size <= rememberedCap) return
  const oldest = remembered.keys().next()
  if (oldest.done !== true) remembered.delete(oldest.value)
}

/** Forgets every client, so that the next look-up is the database's. */
export function forgetClients(): void {
  remembered.clear()
}

/**
 * Who a client_id stands for: a pre-registered row. Only known ones are remembered, so that invented ids take no memory.
 * @throws OAuthError client_unknown or client_blocked; StoreUnavailable
 */
export async function findClient(store: Store, client_id: string, nowMs = Date.now()): Promise<Client> {
  // What cannot be the id of a row costs no call.
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(client_id)) throw refused('client_unknown')
  const known = remembered.get(client_id)
  if (known !== undefined && known.untilMs > nowMs) return known.client
  remembered.delete(client_id)
  const answer = await getClient(store, { p_client_id: client_id })
  switch (answer.outcome) {
    case 'found':
      remember(answer.client, nowMs + rememberedMs)
      return answer.client
    case 'unknown':
      throw refused('client_unknown')
    case 'blocked':
      throw refused('client_blocked')
    default:
      return assertNever(answer)
  }
}
