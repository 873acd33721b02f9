import { describe, expect, it } from 'vitest'
import { registerServer } from './owner.ts'
import { at, place } from './place.ts'
import { answerOf, basic, bearer, clientId, connect, introspect, post } from './program.ts'

describe('introspection', () => {
  it('describes a live token [rfc7662-2.2-active] [rfc7662-2.2-members]', async () => {
    const { server, access_token, person } = await connect({ scope: 'files:read' })
    const { status, body } = await introspect(server, access_token)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      active: true,
      sub: expect.any(String),
      client_id: clientId,
      scope: 'files:read',
      aud: server.server_url,
      iss: place.issuer,
      exp: expect.any(Number),
      iat: expect.any(Number),
      jti: expect.any(String),
      token_type: 'Bearer',
      username: person.email,
      email: person.email,
      server_id: server.server_id,
    })
  })

  it('takes a form by POST only, with the key as Basic or Bearer [rfc7662-2.1-post] [rfc7662-2.1-authorization]', async () => {
    const { server, access_token } = await connect()
    const asBearer = await answerOf(await post('/introspect', { token: access_token }, bearer(server.api_key)))
    expect(asBearer.body.active).toBe(true)
    expect((await fetch(at(`/introspect?token=${access_token}`), { headers: bearer(server.api_key) })).status).toBe(405)
  })

  it('answers nobody without a good key [rfc7662-2.3-unauthorized] [rfc7662-2.1-authorization]', async () => {
    const { server, access_token } = await connect()
    const other = await registerServer()
    const headers = [
      {},
      basic(server.server_id, 'sk_invented'),
      basic(server.server_id, other.api_key),
      bearer(access_token),
    ]
    for (const presented of headers) {
      const { status, body, headers } = await answerOf(await post('/introspect', { token: access_token }, presented))
      expect([status, body.error, body.active]).toEqual([401, 'invalid_client', undefined])
      expect(headers.has('www-authenticate')).toBe(true)
    }
  })

  it('says no more than inactive of anything else [rfc7662-2.2-inactive] [rfc7662-2.2-no-detail] [rfc7662-4-foreign]', async () => {
    const { server, access_token, refresh_token } = await connect()
    const other = await registerServer()
    const tampered = `${access_token.slice(0, -6)}AAAAAA`
    const asked = [
      [server, 'nonsense'],
      [server, tampered],
      [server, refresh_token],
      [other, access_token],
    ] as const
    for (const [asking, token] of asked) {
      const { status, body } = await introspect(asking, token)
      expect([status, body]).toEqual([200, { active: false }])
    }
  })

  it('knows of a revocation at once [rfc7662-4-revoked] [rfc7009-2.1-immediately]', async () => {
    const { server, access_token } = await connect()
    await post('/revoke', { token: access_token, client_id: clientId })
    expect((await introspect(server, access_token)).body).toEqual({ active: false })
  })
})
