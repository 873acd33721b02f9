import { keyThumbprints } from '../crypto/client-assertion.ts'
import type { Client } from '../protocol/client-metadata.ts'
import type { ClientSnapshot } from '../store/rows.ts'

/** What a transaction keeps of a client (THREATS E16): everything the page shows, and the keys by their thumbprints. */
export async function snapshotOf(client: Client): Promise<ClientSnapshot> {
  const { jwks, jwks_uri: _fetchedWhenNeeded, ...snapshot } = client
  return jwks === undefined ? snapshot : { ...snapshot, key_thumbprints: await keyThumbprints(jwks.keys) }
}
