import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { answerWith, type StrangeHost } from '../workerd/strange-host.ts'
import { type Connected, post, redirectUri, type Seen } from './journey.ts'

/** A client whose metadata document lies on a stranger's host, and that proves itself with a key of its own (RFC 7523). */
export type KeyedClient = {
  readonly client_id: string
  /** What its host does while all is well: serves document and keys. */
  readonly serve: () => void
  /** An assertion by a clock that is so many seconds off. */
  readonly assert: (offSeconds?: number) => Promise<string>
  readonly exchange: (connected: Connected, client_assertion: string) => Promise<Seen>
}

export async function publishKeyedClient(host: StrangeHost, issuer: string): Promise<KeyedClient> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const name = crypto.randomUUID()
  const client_id = host.url(`/${name}.json`)
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] }
  const document = {
    client_id,
    client_name: 'Keyed tool',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: host.url(`/${name}-keys.json`),
  }
  const serve = () =>
    host.behave((socket, head) => answerWith(socket, JSON.stringify(head.includes('-keys') ? jwks : document)))
  const assert = (offSeconds = 0): Promise<string> => {
    const now = Math.floor(Date.now() / 1000) + offSeconds
    const claims = { iss: client_id, sub: client_id, aud: issuer, jti: crypto.randomUUID(), iat: now, exp: now + 120 }
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey)
  }
  const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  const exchange: KeyedClient['exchange'] = ({ code, code_verifier }, client_assertion) => {
    const fields = { grant_type: 'authorization_code', code, code_verifier, redirect_uri: redirectUri }
    return post(`${issuer}/token`, { ...fields, client_assertion, client_assertion_type })
  }
  serve()
  return { client_id, serve, assert, exchange }
}
