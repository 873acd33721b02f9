import { describe, expect, it } from 'vitest'
import { meetFormPerson } from '../support/form-person.ts'
import { registerServer } from './owner.ts'
import { at, place } from './place.ts'
import { type Answer, answerOf, authorizationRequest, redirectUri } from './program.ts'

const register = async (metadata: object): Promise<Answer> =>
  answerOf(
    await fetch(at('/register'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(metadata),
    }),
  )

const plain = { client_name: 'Registered', redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' }
const errorOf = async (metadata: object) => {
  const { status, body } = await register(metadata)
  return [status, body.error]
}

describe('registration', () => {
  it('answers with a client_id and all that it registered [rfc7591-3-json] [rfc7591-3.2.1-answer]', async () => {
    const { status, headers, body } = await register(plain)
    expect([status, headers.get('content-type')]).toEqual([201, expect.stringMatching(/^application\/json/)])
    expect(body).toMatchObject({ ...plain, client_id: expect.any(String), response_types: ['code'] })
    expect(body.grant_types).toEqual(expect.arrayContaining(['authorization_code']))
  })

  it('gives a secret where no method was named, and says both [rfc7591-2-basic-default] [rfc7591-3.2.1-secret-expires]', async () => {
    const { body } = await register({ ...plain, token_endpoint_auth_method: undefined })
    expect(body).toMatchObject({
      token_endpoint_auth_method: 'client_secret_basic',
      client_secret: expect.any(String),
      client_secret_expires_at: 0,
    })
    expect((await register(plain)).body).not.toHaveProperty('client_secret')
  })

  it('ignores members that it does not know [rfc7591-2-unknown]', async () => {
    const { status, body } = await register({ ...plain, unheard_of: { of: 'it' } })
    expect([status, 'unheard_of' in body]).toEqual([201, false])
  })

  it('needs redirect URIs that can be used [rfc7591-2-redirect-uris] [rfc7591-3.2.2-redirect-uris]', async () => {
    for (const redirect_uris of [undefined, [], ['http://app.example/callback'], ['https://app.example/#part']]) {
      expect(await errorOf({ ...plain, redirect_uris })).toEqual([400, 'invalid_redirect_uri'])
    }
  })

  it('refuses metadata that it cannot follow [rfc7591-3.2.2-metadata] [rfc7591-2-jwks-or-uri]', async () => {
    const jwks = { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] }
    const unusable = [
      { token_endpoint_auth_method: 'tls_client_auth' },
      { grant_types: ['password'] },
      { response_types: ['token'] },
      { token_endpoint_auth_method: 'private_key_jwt' },
      { token_endpoint_auth_method: 'private_key_jwt', jwks, jwks_uri: 'https://app.example/keys.json' },
    ]
    for (const members of unusable)
      expect(await errorOf({ ...plain, ...members })).toEqual([400, 'invalid_client_metadata'])
  })

  it('shows the name that the client chose, and that nobody verified it [rfc7591-2-name] [rfc7591-5-unverified]', async () => {
    const { body } = await register(plain)
    const { server_url } = await registerServer()
    const { url } = await authorizationRequest({ client_id: String(body.client_id), resource: server_url })
    const person = meetFormPerson(place)
    const consent = await person.signIn(await person.open(url))
    expect(consent.html).toMatch(/Registered[\s\S]*name not verified/)
  })
})
