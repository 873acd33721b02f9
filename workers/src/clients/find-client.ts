import { createLru } from '../crypto/lru.ts'
import type { Seal } from '../crypto/seal.ts'
import type { DocumentReader, ReadOptions } from '../documents/document-reader.ts'
import type { Client } from '../protocol/client-metadata.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import type { Store } from '../store/client.ts'
import { getClient } from '../store/clients.ts'
import { openRegistration } from './sealed-registration.ts'

/** Rows are kept in the isolate; every function that decides looks at the row again (ARCHITECTURE decision 1). */
const rememberedMs = 60_000

/** A document that failed is asked for again a minute later at the earliest (SECURITY §24). */
export const failureRememberedSeconds = 60

const remembered = createLru<{ readonly client: Client; readonly untilMs: number }>({ maximumEntries: 1_000 })

/** Forgets every client, so that the next look-up is the database's. */
export function forgetClients(): void {
  remembered.clear()
}

/** Where clients come from: rows, metadata documents, and what this server sealed itself. */
export type ClientSources = {
  readonly store: Store
  readonly clientDocuments: DocumentReader<Client>
  readonly seal: Seal
  /** What the request brings along that may cause a call to a stranger's host. */
  readonly reading?: ReadOptions
}

/**
 * Who a client_id stands for, told by its shape: an https URL is a metadata document, `dcr_` was sealed here, anything
 * else is a pre-registered row. Whether it is blocked is looked up by whatever acts on it.
 * @throws OAuthError client_unknown, client_blocked, client_id_malformed or client_document_…; StoreUnavailable
 */
export async function findClient(sources: ClientSources, client_id: string, nowMs = Date.now()): Promise<Client> {
  // A client_id that only looks like a URL is told what is wrong with it, and costs no fetch (THREATS E10).
  if (/[/:\s]/.test(client_id)) return findDocument(sources, client_id)
  if (!client_id.startsWith('dcr_')) return findRow(sources.store, client_id, nowMs)
  const registered = await openRegistration(sources.seal, client_id)
  if (registered === undefined) throw refused('client_unknown')
  return registered
}

async function findDocument({ clientDocuments, reading }: ClientSources, client_id: string): Promise<Client> {
  const document = await clientDocuments.read(client_id, reading)
  switch (document.outcome) {
    case 'read':
      return document.value
    case 'refused':
      throw refused('client_id_malformed', `client_id is not a URL that this server would fetch: ${document.detail}`)
    case 'unavailable':
      // One text for whatever the network did (THREATS E19); the detail is for the log. Never invalid_client: for a host
      // that is down for a moment, clients would throw their registration and tokens away (INTEROP 4.6).
      throw refused('client_document_unavailable', undefined, {
        cause: new Error(document.detail),
        retryAfterSeconds: failureRememberedSeconds,
      })
    case 'invalid':
      throw refused('client_document_invalid', `The metadata document at client_id is not valid: ${document.detail}`)
    default:
      return assertNever(document)
  }
}

/** Only known ones are remembered, so that invented ids take no memory. */
async function findRow(store: Store, client_id: string, nowMs: number): Promise<Client> {
  // What cannot be the id of a row costs no call.
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(client_id)) throw refused('client_unknown')
  const known = remembered.get(client_id)
  if (known !== undefined && known.untilMs > nowMs) return known.client
  remembered.delete(client_id)
  const answer = await getClient(store, { p_client_id: client_id })
  switch (answer.outcome) {
    case 'found':
      remembered.set(client_id, { client: answer.client, untilMs: nowMs + rememberedMs })
      return answer.client
    case 'unknown':
      throw refused('client_unknown')
    case 'blocked':
      throw refused('client_blocked')
    default:
      return assertNever(answer)
  }
}
