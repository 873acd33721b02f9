import { type ClientKey, keyThumbprints, verifyClientAssertion } from '../crypto/client-assertion.ts'
import { isEqualSecret } from '../crypto/digest.ts'
import type { Seal } from '../crypto/seal.ts'
import type { DocumentReader, ReadOptions } from '../documents/document-reader.ts'
import type { Client } from '../protocol/client-metadata.ts'
import type { PublicKeySet } from '../protocol/client-registration.ts'
import { assertNever, refused } from '../protocol/errors.ts'
import type { PresentedClient } from '../protocol/presented-client.ts'
import type { ClientProof } from '../store/rows.ts'
import { failureRememberedSeconds } from './find-client.ts'

/** A client that authenticated, and what the database has to know of how. */
export type ProvenClient = { readonly client: Client; readonly proof: ClientProof }

export type ProofSettings = {
  readonly seal: Seal
  readonly clientDocuments: DocumentReader<Client>
  readonly keySets: DocumentReader<PublicKeySet>
  readonly issuer: string
  readonly nowSeconds: number
  readonly reading: ReadOptions
}

async function isItsSecret(seal: Seal, client: Client, secrets: readonly string[]): Promise<boolean> {
  const secret = await seal.secretOf(client.client_id)
  return secret !== undefined && secrets.some((presented) => isEqualSecret(presented, secret))
}

type Keys = readonly ClientKey[]

/** The registered keys, and no others: what an assertion names in its header is never followed (THREATS F15). */
async function registeredKeys(client: Client, settings: ProofSettings, how: 'read' | 'readAgain'): Promise<Keys> {
  if (client.jwks !== undefined) return client.jwks.keys
  if (client.jwks_uri === undefined) return []
  const document = await settings.keySets[how](client.jwks_uri, settings.reading)
  if (document.outcome === 'read') return document.value.keys
  if (document.outcome !== 'unavailable') {
    throw refused('assertion_refused', `jwks_uri cannot be used: ${document.detail}`)
  }
  // The client may well be who it says it is: invalid_client would make it forget its tokens (INTEROP 4.6).
  throw refused('client_keys_unavailable', undefined, {
    cause: new Error(document.detail),
    retryAfterSeconds: failureRememberedSeconds,
  })
}

/**
 * The keys as their host publishes them now: a client signs with its new key before what is remembered of it has expired.
 * The readers bound how often that makes a call.
 */
async function newestKeys(client: Client, settings: ProofSettings): Promise<Keys> {
  if (client.kind !== 'metadata_document') return registeredKeys(client, settings, 'readAgain')
  const document = await settings.clientDocuments.readAgain(client.client_id, settings.reading)
  const newest = document.outcome === 'read' ? document.value : client
  // What the document no longer offers proves nobody (SECURITY §26).
  return newest.token_endpoint_auth_method === 'private_key_jwt' ? registeredKeys(newest, settings, 'readAgain') : []
}

async function proveAssertion(settings: ProofSettings, client: Client, assertion: string): Promise<ClientProof> {
  const { issuer, nowSeconds } = settings
  const rules = { client_id: client.client_id, issuer, nowSeconds }
  let keys = await registeredKeys(client, settings, 'read')
  let verified = await verifyClientAssertion(assertion, keys, rules)
  if (verified.outcome === 'key_unknown') {
    keys = await newestKeys(client, settings)
    verified = await verifyClientAssertion(assertion, keys, rules)
  }
  switch (verified.outcome) {
    case 'verified': {
      const { jti_digest, expires_at_seconds } = verified
      const assertionUse = { jti_digest, expires_at_seconds }
      return { method: 'private_key_jwt', key_thumbprints: await keyThumbprints(keys), assertion: assertionUse }
    }
    case 'key_unknown':
      throw refused('assertion_refused', 'No registered key made the signature of client_assertion')
    case 'refused':
      throw refused('assertion_refused', verified.problem)
    default:
      return assertNever(verified)
  }
}

/**
 * Proves that a caller is the client it names, by the method that client registered and no other (SECURITY §26, F11).
 * @throws OAuthError invalid_client; client_keys_unavailable where nobody could tell
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
