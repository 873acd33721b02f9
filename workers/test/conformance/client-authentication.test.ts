import { SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { at, place } from './place.ts'
import { answerOf, basic, post, redirectUri } from './program.ts'
import { makeSigningKey, metadataOf, type SigningKey } from './strict-program.ts'

type Registered = { readonly client_id: string; readonly client_secret: string }

async function register(members: object): Promise<Registered> {
  const body = JSON.stringify({ ...metadataOf(redirectUri), ...members })
  const response = await fetch(at('/register'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  return (await response.json()) as Registered
}

const inventedToken = `mrt_${'A'.repeat(22)}.1.${'A'.repeat(43)}`

/** Tells by the refusal how far a request got: a client that authenticated fails at its invented refresh token only. */
async function presents(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<unknown> {
  const grant = { grant_type: 'refresh_token', refresh_token: inventedToken }
  const { status, body } = await answerOf(await post('/token', { ...grant, ...fields }, headers))
  return [status, body.error]
}
const authenticated = [400, 'invalid_grant']
const refused = [401, 'invalid_client']

describe('a client with a secret', () => {
  it('presents it by Basic, form-encoded [rfc6749-2.3.1-basic] [rfc6749-3.2.1-authentication]', async () => {
    const { client_id, client_secret } = await register({ token_endpoint_auth_method: 'client_secret_basic' })
    const encoded = (text: string) => encodeURIComponent(text).replaceAll('-', '%2D').replaceAll('_', '%5F')
    expect(await presents({}, basic(encoded(client_id), encoded(client_secret)))).toEqual(authenticated)
    expect(await presents({}, basic(client_id, 'wrong'))).toEqual(refused)
    expect(await presents({ client_id })).toEqual(refused)
  })

  it('presents it in the body [rfc6749-2.3.1-body] [rfc6749-3.2.1-authentication]', async () => {
    const { client_id, client_secret } = await register({ token_endpoint_auth_method: 'client_secret_post' })
    expect(await presents({ client_id, client_secret })).toEqual(authenticated)
    expect(await presents({ client_id, client_secret: 'wrong' })).toEqual(refused)
    expect(await presents({ client_id })).toEqual(refused)
  })

  it('presents it once [rfc6749-2.3-one-method]', async () => {
    const { client_id, client_secret } = await register({ token_endpoint_auth_method: 'client_secret_basic' })
    const both = await presents({ client_id, client_secret }, basic(client_id, client_secret))
    expect(both).toEqual([400, 'invalid_request'])
  })
})

describe('a client with a key', () => {
  let own: SigningKey
  let client_id: string
  beforeAll(async () => {
    own = await makeSigningKey('ES256')
    const jwks = { keys: [own.jwk] }
    client_id = (await register({ token_endpoint_auth_method: 'private_key_jwt', jwks })).client_id
  })

  /** An assertion that is right in everything but these claims; undefined leaves one out. */
  async function asserts(changes: Record<string, unknown> = {}, { key } = own): Promise<unknown> {
    const now = Math.floor(Date.now() / 1_000)
    const right = { iss: client_id, sub: client_id, aud: place.issuer, jti: crypto.randomUUID(), exp: now + 60 }
    const client_assertion = await new SignJWT({ ...right, ...changes })
      .setProtectedHeader({ alg: 'ES256', kid: own.kid })
      .sign(key)
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    return presents({ client_id, client_assertion, client_assertion_type })
  }

  it('is taken by an assertion of its own [rfc7523-3-iss-sub] [rfc6749-3.2.1-authentication]', async () => {
    expect(await asserts()).toEqual(authenticated)
    for (const claim of ['iss', 'sub']) expect(await asserts({ [claim]: 'another' })).toEqual(refused)
  })

  it('asserts it to this server [rfc7523-3-aud]', async () => {
    for (const aud of [undefined, 'https://another.example']) expect(await asserts({ aud })).toEqual(refused)
  })

  it('asserts it for a while [rfc7523-3-exp]', async () => {
    for (const exp of [undefined, 1]) expect(await asserts({ exp })).toEqual(refused)
  })

  it('is not taken by the key of another, whatever its name [rfc7523-3-signature] [rfc7523-3.2-invalid-client]', async () => {
    expect(await asserts({}, await makeSigningKey('ES256'))).toEqual(refused)
  })

  it('asserts it once [oidc-core-9-jti]', async () => {
    const jti = crypto.randomUUID()
    expect([await asserts({ jti }), await asserts({ jti })]).toEqual([authenticated, refused])
  })
})
