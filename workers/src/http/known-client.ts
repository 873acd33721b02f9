import type { Context } from 'hono'
import { findClient } from '../clients/find-client.ts'
import type { ProofSettings } from '../clients/prove-client.ts'
import type { AppEnv } from '../context.ts'
import type { Client } from '../protocol/client-metadata.ts'
import { countAgainst } from './rate-limit.ts'

/** Counts a call to a stranger's host against the address that causes it (SECURITY, Limits; THREATS E18). */
export function countFetch(c: Context<AppEnv>): Promise<void> {
  return countAgainst(c, 'RATE_DOCUMENTS')
}

/** What a request brings along where it may cause such a call. */
export function readingFor(c: Context<AppEnv>): ProofSettings['reading'] {
  return { beforeFetch: () => countFetch(c), keepAlive: (call) => c.executionCtx.waitUntil(call) }
}

/**
 * Who the client_id of a request stands for.
 * @throws OAuthError as findClient, and rate_limited
 */
export function knownClient(c: Context<AppEnv>, client_id: string): Promise<Client> {
  const { store, clientDocuments, seal, clock } = c.var
  return findClient({ store, clientDocuments, seal, reading: readingFor(c) }, client_id, clock())
}
