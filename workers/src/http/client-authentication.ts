import type { Context } from 'hono'
import { findClient } from '../clients/find-client.ts'
import type { AppEnv } from '../context.ts'
import type { Client } from '../protocol/client-metadata.ts'
import { refused } from '../protocol/errors.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { type BasicCredentials, parseBasic } from './basic-credentials.ts'

/** How a caller says who it is: one of the registered methods, and nothing proven yet. */
export type PresentedClient =
  | { readonly method: 'none'; readonly client_id: string }
  | { readonly method: 'client_secret_post'; readonly client_id: string; readonly client_secret: string }
  | { readonly method: 'client_secret_basic'; readonly readings: readonly BasicCredentials[] }

/**
 * Reads the credentials of a client from header or body, never from both (RFC 6749 §2.3, F12).
 * @throws OAuthError invalid_client for a header that is not Basic (F13), invalid_request for two methods
 */
export function presentedClient(authorization: string | undefined, parameters: Parameters): PresentedClient {
  const client_id = parameters.get('client_id')
  const client_secret = parameters.get('client_secret')
  // Not supported, and never quietly skipped in favour of a weaker method (SECURITY §26).
  if (parameters.get('client_assertion') !== undefined) {
    throw refused((authorization ?? client_secret) ? 'client_authentication_repeated' : 'client_authentication_failed')
  }
  if (authorization === undefined) {
    if (client_id === undefined) throw refused('client_id_missing')
    if (client_secret === undefined) return { method: 'none', client_id }
    return { method: 'client_secret_post', client_id, client_secret }
  }
  const readings = parseBasic(authorization)
  if (readings === undefined) throw refused('client_authentication_failed')
  if (client_secret !== undefined) throw refused('client_authentication_repeated')
  // The Python SDK sends client_id in the body as well: good while it is the same (INTEROP 4.6).
  const isSame = client_id === undefined || readings.some(({ user }) => user === client_id)
  if (!isSame) throw refused('client_authentication_repeated')
  return { method: 'client_secret_basic', readings: readings.filter(({ user }) => user === (client_id ?? user)) }
}

/**
 * The client behind a request to /token or /revoke, its registered method enforced both ways (SECURITY §26, F11).
 * @throws OAuthError invalid_client, or client_unknown when nobody is registered under that id
 */
export async function authenticateClient(c: Context<AppEnv>, parameters: Parameters): Promise<Client> {
  const presented = presentedClient(c.req.header('authorization'), parameters)
  // No known client has a secret (see tokenEndpointAuthMethods), so whoever sends one is somebody else.
  if (presented.method !== 'none') throw refused('client_authentication_failed')
  const client = await findClient(c.var.store, presented.client_id, c.var.clock())
  if (client.token_endpoint_auth_method !== 'none') throw refused('client_authentication_missing')
  return client
}
