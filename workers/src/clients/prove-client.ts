import { type ClientKey, keyThumbprints, verifyClientAssertion } from '../crypto/client-assertion.ts'
import { isEqualSecret } from '../crypto/digest.ts'
import type { Seal } from '../crypto/seal.ts'
import type { DocumentReader } from '../documents/document-reader.ts'
import type { Client } from '../protocol/client-metadata.ts'
import type { PublicKeySet } from '../protocol/client-registration.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import type { PresentedClient } from '../protocol/presented-client.ts'
import type { ClientProof } from '../store/rows.ts'

/** A client that authenticated, and what the database has to know of how. */
export type ProvenClient = { readonly client: Client; readonly proof: ClientProof }

export type ProofSettings = {
  readonly seal: Seal
  readonly keySets: DocumentReader<PublicKeySet>
  readonly issuer: string
  readonly nowSeconds: number
  readonly beforeFetch: () => Promise<void>
}

async function isItsSecret(seal: Seal, client: Client, secrets: readonly string[]): Promise<boolean> {
  const secret = await seal.secretOf(client.client_id)
  return secret !== undefined && secrets.some((presented) => isEqualSecret(presented, secret))
}

/** The registered keys, and no others: what an assertion names in its header is never followed (THREATS F15). */
async function registeredKeys(client: Client, settings: ProofSettings): Promise<readonly ClientKey[]> {
  if (client.jwks !== undefined) return client.jwks.keys
  if (client.jwks_uri === undefined) return []
  const document = await settings.keySets(client.jwks_uri, settings.beforeFetch)
  if (document.outcome === 'read') return document.value.keys
  if (document.outcome === 'invalid') throw refused('assertion_refused', `jwks_uri cannot be used: ${document.detail}`)
  throw refused('assertion_refused', 'jwks_uri could not be fetched', { cause: new Error(document.detail) })
}

async function proveAssertion(settings: ProofSettings, client: Client, assertion: string): Promise<ClientProof> {
  const { issuer, nowSeconds } = settings
  const keys = await registeredKeys(client, settings)
  const verified = await verifyClientAssertion(assertion, keys, { client_id: client.client_id, issuer, nowSeconds })
  if (verified.outcome === 'refused') throw refused('assertion_refused', verified.problem)
  const { jti_digest, expires_at_seconds } = verified
  return {
    method: 'private_key_jwt',
    key_thumbprints: await keyThumbprints(keys),
    assertion: { jti_digest, expires_at_seconds },
  }
}

/**
 * Proves that a caller is the client it names, by the method that client registered and no other (SECURITY §26, F11).
 * @throws OAuthError invalid_client
 */
export async function proveClient(
  settings: ProofSettings,
  client: Client,
  presented: PresentedClient,
): Promise<ProvenClient> {
  const registered = client.token_endpoint_auth_method
  if (presented.method !== registered) {
    throw refused(presented.method === 'none' ? 'client_authentication_missing' : 'client_authentication_failed')
  }
  switch (presented.method) {
    case 'none':
      return { client, proof: { method: 'none' } }
    case 'client_secret_basic':
    case 'client_secret_post':
      if (!(await isItsSecret(settings.seal, client, presented.secrets))) throw refused('client_authentication_failed')
      return { client, proof: { method: presented.method } }
    case 'private_key_jwt':
      return { client, proof: await proveAssertion(settings, client, presented.assertion) }
    default:
      return assertNever(presented)
  }
}
