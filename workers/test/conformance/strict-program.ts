import { exportJWK, generateKeyPair, type JWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { place } from './place.ts'

// The issuer of a local run is http on loopback; nothing else is relaxed.
export const onLoopback = { [oauth.allowInsecureRequests]: true }

export type SigningKey = { readonly key: CryptoKey; readonly kid: string; readonly jwk: JWK }

/** A key of a confidential client: `key` is its own, `jwk` is for everybody. */
export async function makeSigningKey(alg: 'ES256' | 'RS256' | 'Ed25519'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  const kid = crypto.randomUUID()
  return { key: privateKey, kid, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** What a confidential client says of itself wherever it registers. */
export const metadataOf = (redirectUri: string) => ({
  client_name: 'Relying party',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
})

export type Found = { readonly issuer: URL; readonly resource: string; readonly scope: string }

/** From the bare URL of a server to its authorization server, every answer passing the package's own checks (RFC 9728 §5). */
export async function findAuthorizationServer(url: URL): Promise<Found> {
  const refused = await oauth.protectedResourceRequest('no-token', 'POST', url, new Headers(), null, onLoopback).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(refused instanceof oauth.WWWAuthenticateChallengeError)) throw new Error('the server did not challenge')
  const { resource_metadata, scope } = refused.cause[0]?.parameters ?? {}
  const response = await oauth.resourceDiscoveryRequest(url, onLoopback)
  if (response.url !== resource_metadata) throw new Error(`the challenge leads to ${resource_metadata}`)
  const { resource, authorization_servers } = await oauth.processResourceDiscoveryResponse(url, response)
  return { issuer: new URL(authorization_servers?.[0] ?? ''), resource, scope: scope ?? '' }
}

const messageOf = (name: string, parameters: object) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: parameters } })

const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' })

/** The tool calls of the example as the packages' requests for protected resources take them. */
export const listFiles = { url: new URL(place.exampleUrl), headers, body: messageOf('list_files', {}) }
export const writeFile = {
  ...listFiles,
  body: messageOf('write_file', { name: 'conformance.txt', text: 'Written by a test.' }),
}
