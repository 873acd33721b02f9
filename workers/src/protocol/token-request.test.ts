import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAuthorizationCode, parseAuthorizationCode } from './authorization-code.ts'
import { parametersFrom } from './parameters.ts'
import { formatRefreshToken, parseRefreshToken } from './refresh-token.ts'
import { parseTokenRequest } from './token-request.ts'

const issuer = { issuer: 'https://as.test', issuerIsLoopback: false }
const connection = 'c'.repeat(22)
const secret = 's'.repeat(43)
const code = formatAuthorizationCode(connection, secret)
const refresh_token = formatRefreshToken(connection, 7, secret)

const parse = (body: Record<string, string>) => parseTokenRequest(parametersFrom(Object.entries(body)), issuer)
const exchange = { grant_type: 'authorization_code', code, code_verifier: 'v'.repeat(43) }
const refresh = { grant_type: 'refresh_token', refresh_token }

describe('a token request', () => {
  it('exchanges a code (RFC 6749 §4.1.3, RFC 7636 §4.5)', () => {
    expect(parse({ ...exchange, redirect_uri: 'https://a.test/cb', resource: 'https://h.test/mcp' })).toMatchObject({
      grant_type: 'authorization_code',
      code: { connection_id: connection, code },
      code_verifier: exchange.code_verifier,
      redirect_uri: 'https://a.test/cb',
      resource: { resource: 'https://h.test/mcp' },
      scope: null,
    })
  })

  it('refreshes (RFC 6749 §6)', () => {
    expect(parse({ ...refresh, scope: 'a b' })).toEqual({
      grant_type: 'refresh_token',
      refresh_token: { connection_id: connection, generation: 7, refresh_token },
      resource: undefined,
      scope: ['a', 'b'],
    })
  })

  it.each([
    [{}, 'grant_type_missing'],
    [{ grant_type: 'password' }, 'grant_type_unsupported'],
    [{ grant_type: 'client_credentials' }, 'grant_type_unsupported'],
    [{ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' }, 'grant_type_unsupported'],
    [{ grant_type: 'authorization_code' }, 'code_missing'],
    [{ grant_type: 'authorization_code', code }, 'code_verifier_missing'],
    [{ ...exchange, code_verifier: 'v'.repeat(42) }, 'code_verifier_malformed'],
    [{ ...exchange, code: refresh_token }, 'code_unknown'],
    [{ ...exchange, resource: 'https://h.test/mcp?x' }, 'resource_malformed'],
    [{ ...exchange, scope: 'a "b"' }, 'scope_malformed'],
    [{ grant_type: 'refresh_token' }, 'refresh_token_missing'],
    [{ ...refresh, refresh_token: code }, 'refresh_unknown'],
  ])('F16 F8 G12 is refused: %j is %s', (body, reason) => {
    expect(() => parse(body)).toThrow(reason)
  })

  it('G9 with a malformed resource at refresh is invalid_grant, because clients stall on invalid_target', () => {
    expect(() => parse({ ...refresh, resource: 'nonsense' })).toThrow(
      expect.objectContaining({ error: 'invalid_grant', reason: 'refresh_resource_mismatch' }),
    )
  })
})

describe('codes and refresh tokens', () => {
  it('G12 are told apart, and read back', () => {
    expect(parseAuthorizationCode(code)).toEqual({ connection_id: connection, code })
    expect(parseRefreshToken(code)).toBeUndefined()
    expect(parseAuthorizationCode(refresh_token)).toBeUndefined()
  })

  it.each([
    `mrt_${connection}.07.${secret}`,
    `mrt_${connection}.-1.${secret}`,
    `mrt_${connection}.1e3.${secret}`,
    `${refresh_token}\n`,
  ])('have one spelling: %j is none', (token) => {
    expect(parseRefreshToken(token)).toBeUndefined()
  })

  it('keep their generation', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), (generation) => {
        expect(parseRefreshToken(formatRefreshToken(connection, generation, secret))?.generation).toBe(generation)
      }),
    )
  })
})
