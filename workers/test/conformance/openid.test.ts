import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { at, place } from './place.ts'
import { answerOf, bearer, clientId, connect, refresh } from './program.ts'

const keys = createRemoteJWKSet(at('/.well-known/jwks.json'))

const userinfo = async (token: string, method = 'GET') =>
  answerOf(await fetch(at('/userinfo'), { method, headers: bearer(token) }))

describe('the id_token', () => {
  it('says who signed in, for which client, with its nonce [oidc-core-2-id-token] [oidc-core-2-nonce] [oidc-core-2-auth-time]', async () => {
    const { answer } = await connect({ scope: 'openid files:read', nonce: 'n-0S6_WzA2Mj', max_age: '3600' })
    const id_token = String(answer.body.id_token)
    const { payload } = await jwtVerify(id_token, keys, { issuer: place.issuer, audience: clientId })
    expect(payload).toMatchObject({
      sub: expect.any(String),
      exp: expect.any(Number),
      iat: expect.any(Number),
      auth_time: expect.any(Number),
      nonce: 'n-0S6_WzA2Mj',
    })
  })

  it('is given for openid, and only for it [oidc-core-3.1.3.3-openid-only]', async () => {
    expect((await connect({ scope: 'files:read' })).answer.body).not.toHaveProperty('id_token')
    expect((await connect({ scope: 'openid files:read' })).answer.body).toHaveProperty('id_token')
  })

  it('of a refresh is about the same sign-in [oidc-core-12.2-refresh]', async () => {
    const { answer, refresh_token } = await connect({ scope: 'openid files:read', max_age: '3600' })
    const first = decodeJwt(String(answer.body.id_token))
    const { body } = await refresh(refresh_token)
    if (body.id_token === undefined) return
    const { iss, sub, aud, auth_time } = first
    expect(decodeJwt(String(body.id_token))).toMatchObject({ iss, sub, aud, auth_time })
  })
})

describe('userinfo', () => {
  it('tells the same sub by GET and by POST [oidc-core-5.3.1-methods] [oidc-core-5.3.2-sub]', async () => {
    const { answer, access_token } = await connect({ scope: 'openid files:read' })
    const { sub } = decodeJwt(String(answer.body.id_token))
    expect((await userinfo(access_token)).body.sub).toBe(sub)
    expect((await userinfo(access_token, 'POST')).body.sub).toBe(sub)
  })

  it('tells the e-mail for scope email alone [oidc-core-5.4-scope-claims]', async () => {
    const without = await connect({ scope: 'openid files:read' })
    expect(Object.keys((await userinfo(without.access_token)).body)).toEqual(['sub'])
    const { access_token, person } = await connect({ scope: 'openid email files:read' })
    expect((await userinfo(access_token)).body).toMatchObject({ email: person.email, email_verified: true })
  })

  it('refuses a bad token and one without openid [oidc-core-5.3.3-error]', async () => {
    const bad = await userinfo('nonsense')
    expect([bad.status, bad.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ])
    const narrow = await userinfo((await connect({ scope: 'files:read' })).access_token)
    expect([narrow.status, narrow.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringContaining('error="insufficient_scope"'),
    ])
  })

  it('wants a token, and says so without an error [rfc6750-3-challenge] [rfc6750-3.1-no-error]', async () => {
    const response = await fetch(at('/userinfo'))
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /)
    expect(response.headers.get('www-authenticate')).not.toContain('error=')
  })
})
