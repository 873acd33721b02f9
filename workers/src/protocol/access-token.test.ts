import { describe, expect, it } from 'vitest'
import { accessTokenClaims, accessTokenSeconds, parseAccessTokenClaims } from './access-token.ts'
import { idTokenClaims } from './id-token.ts'
import { introspectionResponse } from './introspection-response.ts'
import { tokenResponse } from './token-response.ts'

const issuer = 'https://as.test'
const subject = {
  connection_id: 'c'.repeat(22),
  account_id: '6f1f5b5e-0000-4000-8000-000000000000',
  client_id: 'client_a',
  resource: 'https://h.test/mcp',
  scopes: ['files:read', 'openid'],
  auth_time_seconds: 1_000,
  issued_at_seconds: 2_000,
  epoch: 3,
  auth_method: 'email_code',
}
const made = { issuer, lifetimeSeconds: 300, nonce: 'n'.repeat(16) }
const claims = accessTokenClaims(subject, made)

describe('the claims of an access token', () => {
  it('H10 are those of RFC 9068 §2.2, with one audience', () => {
    expect(claims).toEqual({
      iss: issuer,
      sub: subject.account_id,
      aud: 'https://h.test/mcp',
      client_id: 'client_a',
      scope: 'files:read openid',
      iat: 2_000,
      exp: 2_300,
      auth_time: 1_000,
      jti: `${'c'.repeat(22)}.${'n'.repeat(16)}`,
      epoch: 3,
    })
  })

  it('are read back', () => {
    expect(parseAccessTokenClaims(claims, issuer)).toMatchObject({
      connection_id: subject.connection_id,
      scopes: subject.scopes,
      aud: subject.resource,
      epoch: 3,
    })
  })

  it.each([
    undefined,
    {},
    { ...claims, iss: 'https://as.test/' },
    { ...claims, aud: ['https://h.test/mcp'] },
    { ...claims, aud: null },
    { ...claims, jti: 'short.n' },
    { ...claims, exp: '2300' },
    { ...claims, exp: 1.5 },
    { ...claims, epoch: undefined },
  ])('H10 are refused in any other shape: %j', (other) => {
    expect(parseAccessTokenClaims(other, issuer)).toBeUndefined()
  })

  it('have no scope where only the audience was granted', () => {
    const none = accessTokenClaims({ ...subject, scopes: [] }, made)
    expect(parseAccessTokenClaims(none, issuer)?.scopes).toEqual([])
  })

  it.each([
    [undefined, 3_600, 3_600],
    [600, 3_600, 600],
    [60, 3_600, 300],
    [7_200, 3_600, 3_600],
    [undefined, 60, 60],
  ])('live as the server chose, 5 to 60 minutes: %j with standard %i gives %i', (chosen, standard, expected) => {
    expect(accessTokenSeconds(chosen, standard)).toBe(expected)
  })
})

describe('the claims of an ID token', () => {
  it('are those of OpenID Connect Core §2, with the nonce of the request', () => {
    expect(idTokenClaims({ ...subject, nonce: 'n' }, made)).toEqual({
      iss: issuer,
      sub: subject.account_id,
      aud: 'client_a',
      exp: 2_300,
      iat: 2_000,
      auth_time: 1_000,
      nonce: 'n',
      amr: ['otp'],
    })
  })

  it('leave out what is not known', () => {
    expect(Object.keys(idTokenClaims({ ...subject, auth_method: 'other' }, made))).not.toContain('amr')
    expect(Object.keys(idTokenClaims(subject, made))).not.toContain('nonce')
  })
})

describe('answers', () => {
  it('of the token endpoint always have type, lifetime and scope, and never a null (RFC 6749 §5.1)', () => {
    const issued = { access_token: 'a', expires_in: 300, scopes: [], refresh_token: undefined, id_token: undefined }
    expect(tokenResponse(issued)).toEqual({ access_token: 'a', token_type: 'Bearer', expires_in: 300, scope: '' })
    expect(tokenResponse({ ...issued, scopes: ['a', 'b'], refresh_token: 'r', id_token: 'i' })).toMatchObject({
      scope: 'a b',
      refresh_token: 'r',
      id_token: 'i',
    })
  })

  it('H10 of introspection have the exact audience (RFC 7662 §2.2)', () => {
    const token = parseAccessTokenClaims(claims, issuer)
    if (token === undefined) throw new Error('these claims are good')
    const active = {
      sub: subject.account_id,
      client_id: 'client_a',
      scopes: ['files:read'],
      aud: 'https://h.test/mcp',
      server_id: 'srv_x',
      auth_time_seconds: 1_000,
    }
    const answer = introspectionResponse(active, token, issuer)
    expect(answer).toEqual({
      active: true,
      sub: subject.account_id,
      client_id: 'client_a',
      scope: 'files:read',
      aud: 'https://h.test/mcp',
      iss: issuer,
      exp: 2_300,
      iat: 2_000,
      jti: claims.jti,
      token_type: 'Bearer',
      server_id: 'srv_x',
      auth_time: 1_000,
    })
    expect(introspectionResponse({ ...active, email: 'a@b.test', email_verified: true }, token, issuer)).toMatchObject({
      email: 'a@b.test',
      email_verified: true,
    })
  })
})
