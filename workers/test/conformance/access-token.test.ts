import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { at, place } from './place.ts'
import { clientId, connect, introspect } from './program.ts'

const keys = createRemoteJWKSet(at('/.well-known/jwks.json'))
const verify = (token: string, audience: string, typ: string) =>
  jwtVerify(token, keys, { issuer: place.issuer, audience, typ })

describe('an access token', () => {
  it('is a signed JWT of its own type, whose key is published [rfc9068-2.1-signed] [rfc9068-2.1-typ] [rfc9068-4-keys]', async () => {
    const { access_token, server } = await connect()
    expect(decodeProtectedHeader(access_token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) })
    await expect(verify(access_token, server.server_url, 'at+jwt')).resolves.toBeDefined()
  })

  it('says who, for whom, from whom and until when [rfc9068-2.2-claims] [rfc9068-2.2.1-auth-time] [rfc9068-2.2.3-scope] [rfc9068-3-audience]', async () => {
    const { access_token, server } = await connect({ scope: 'files:read' })
    const { payload } = await verify(access_token, server.server_url, 'at+jwt')
    expect(payload).toMatchObject({
      iss: place.issuer,
      aud: server.server_url,
      client_id: clientId,
      scope: 'files:read',
      sub: expect.any(String),
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
      auth_time: expect.any(Number),
    })
    expect(payload).not.toHaveProperty('email')
  })

  it('lives an hour at most [mcp-2026-07-short-lived]', async () => {
    const { answer } = await connect()
    expect(answer.body.expires_in).toBeLessThanOrEqual(3_600)
  })

  it('cannot pass for an id_token, nor an id_token for it [rfc9068-5-distinct]', async () => {
    const { answer, access_token, server } = await connect({ scope: 'openid files:read' })
    const id_token = String(answer.body.id_token)
    expect(decodeProtectedHeader(id_token).typ).not.toBe('at+jwt')
    await expect(verify(access_token, clientId, 'at+jwt')).rejects.toThrow()
    await expect(verify(id_token, server.server_url, 'JWT')).rejects.toThrow()
    expect((await introspect(server, id_token)).body).toEqual({ active: false })
  })
})
