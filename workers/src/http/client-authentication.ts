import type { Context } from 'hono'
import { type ProvenClient, proveClient } from '../clients/prove-client.ts'
import type { AppEnv } from '../context.ts'
import { assertionSubject } from '../crypto/client-assertion.ts'
import { OAuthError, refused } from '../protocol/errors.ts'
import type { Parameters } from '../protocol/parameters.ts'
import type { PresentedClient } from '../protocol/presented-client.ts'
import { clientAssertionType } from '../protocol/server-capabilities.ts'
import { parseBasic } from './basic-credentials.ts'
import { knownClient, readingFor } from './known-client.ts'

/** The ways of authenticating that a request uses at once; one is the most there may be (RFC 6749 §2.3, F12). */
function refuseSeveral(authorization: string | undefined, parameters: Parameters): void {
  const used = [authorization, parameters.get('client_secret'), parameters.get('client_assertion')]
  if (used.filter((one) => one !== undefined).length > 1) throw refused('client_authentication_repeated')
}

function presentedBasic(authorization: string, client_id: string | undefined): PresentedClient {
  const readings = parseBasic(authorization)
  const [decoded] = readings ?? []
  if (readings === undefined || decoded === undefined) throw refused('client_authentication_failed')
  // The Python SDK sends client_id in the body as well: good while it is the same (INTEROP 4.6).
  const isSame = client_id === undefined || readings.some(({ user }) => user === client_id)
  if (!isSame) throw refused('client_authentication_repeated')
  // Ids and secrets of ours are the same in both readings; a client's own spelling of them need not be.
  const user = client_id ?? decoded.user
  const secrets = readings.filter((reading) => reading.user === user).map(({ password }) => password)
  return { method: 'client_secret_basic', client_id: user, secrets }
}

function presentedAssertion(assertion: string, parameters: Parameters): PresentedClient {
  if (parameters.get('client_assertion_type') !== clientAssertionType) {
    throw refused('assertion_refused', `client_assertion_type must be ${clientAssertionType}`)
  }
  // RFC 7521 §4.2: client_id may be left out, the subject says it.
  const client_id = parameters.get('client_id') ?? assertionSubject(assertion)
  if (client_id === undefined) throw refused('assertion_refused', 'client_assertion is not a JWT with a subject')
  return { method: 'private_key_jwt', client_id, assertion }
}

/**
 * Reads the credentials of a client from header or body, never from both (RFC 6749 §2.3, F12).
 * @throws OAuthError invalid_client for a header that is not Basic (F13), invalid_request for two methods
 */
export function presentedClient(authorization: string | undefined, parameters: Parameters): PresentedClient {
  const client_id = parameters.get('client_id')
  const client_secret = parameters.get('client_secret')
  const assertion = parameters.get('client_assertion')
  refuseSeveral(authorization, parameters)
  if (authorization !== undefined) return presentedBasic(authorization, client_id)
  if (assertion !== undefined) return presentedAssertion(assertion, parameters)
  if (client_id === undefined) throw refused('client_id_missing')
  if (client_secret === undefined) return { method: 'none', client_id }
  return { method: 'client_secret_post', client_id, secrets: [client_secret] }
}

/**
 * The client behind a request to /token or /revoke, its registered method enforced both ways (SECURITY §26, F11).
 * @throws OAuthError invalid_client, client_unknown among them; invalid_grant when it is blocked; 503 when its document or
 *   keys could not be fetched
 */
export async function authenticateClient(c: Context<AppEnv>, parameters: Parameters): Promise<ProvenClient> {
  const presented = presentedClient(c.req.header('authorization'), parameters)
  const client = await knownClient(c, presented.client_id).catch((error: unknown) => {
    // Its grants are dead. unauthorized_client would only make it register anew (INTEROP 4.6).
    if (error instanceof OAuthError && error.reason === 'client_blocked') throw refused('connection_client_blocked')
    throw error
  })
  const { seal, clientDocuments, keySets, clock, config } = c.var
  const nowSeconds = Math.floor(clock() / 1_000)
  return proveClient(
    { seal, clientDocuments, keySets, issuer: config.issuer, nowSeconds, reading: readingFor(c) },
    client,
    presented,
  )
}
