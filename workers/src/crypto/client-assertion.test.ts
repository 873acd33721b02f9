import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { assertionAlgorithms, verifyClientAssertion } from './client-assertion.ts'

const client_id = 'https://good.dev/client.json'
const issuer = 'https://mcp.auth-agent.com'
const nowSeconds = 1_800_000_000
const rules = { client_id, issuer, nowSeconds }

type Pair = { readonly jwk: JWK; readonly privateKey: CryptoKey }
const pairs = new Map<string, Pair>()

beforeAll(async () => {
  for (const alg of assertionAlgorithms) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    pairs.set(alg, { jwk: { ...(await exportJWK(publicKey)), kid: `key-${alg}` }, privateKey })
  }
})

function pair(alg = 'ES256'): Pair {
  const known = pairs.get(alg)
  if (known === undefined) throw new Error(alg)
  return known
}

const claims = { iss: client_id, sub: client_id, aud: issuer, jti: 'once', exp: nowSeconds + 60, iat: nowSeconds }

function sign(changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}, alg = 'ES256') {
  return new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg, ...header }).sign(pair(alg).privateKey)
}

describe('private_key_jwt', () => {
  test.each(assertionAlgorithms)('verifies %s (SECURITY §26)', async (alg) => {
    const verified = await verifyClientAssertion(await sign({}, { kid: `key-${alg}` }, alg), [pair(alg).jwk], rules)
    expect(verified).toMatchObject({
      outcome: 'verified',
      expires_at_seconds: nowSeconds + 60,
      jti_digest: expect.stringMatching(/^\\x[0-9a-f]{64}$/),
    })
  })

  test.each([
    ['Ed25519', 'EdDSA'],
    ['EdDSA', 'Ed25519'],
  ])('takes a signature named %s by a key named %s (RFC 9864 §2.2)', async (alg, named) => {
    const keys = [{ ...pair(alg).jwk, alg: named }]
    expect(await verifyClientAssertion(await sign({}, {}, alg), keys, rules)).toMatchObject({ outcome: 'verified' })
  })

  test('a key named for one algorithm signs by no other', async () => {
    const keys = [{ ...pair('RS256').jwk, alg: 'PS256' }]
    expect(await verifyClientAssertion(await sign({}, {}, 'RS256'), keys, rules)).toMatchObject({
      outcome: 'key_unknown',
    })
  })

  test('finds the key among several when the header names none', async () => {
    const other = await generateKeyPair('ES256', { extractable: true })
    const keys = [await exportJWK(other.publicKey), pair('RS256').jwk, pair().jwk]
    expect(await verifyClientAssertion(await sign(), keys, rules)).toMatchObject({ outcome: 'verified' })
  })

  test.each([
    ['the token endpoint as audience', { aud: `${issuer}/token` }],
    ['a list as audience', { aud: [issuer] }],
    ['another issuer', { iss: 'https://evil.dev/client.json' }],
    ['another subject', { sub: 'https://evil.dev/client.json' }],
    ['no jti', { jti: undefined }],
    ['an expiry that has come', { exp: nowSeconds }],
    ['an expiry too far away', { exp: nowSeconds + 3_600 }],
    ['no expiry', { exp: undefined }],
    ['a beginning in the future', { nbf: nowSeconds + 600 }],
  ])('F14 refuses %s', async (_what, changes) => {
    expect(await verifyClientAssertion(await sign(changes), [pair().jwk], rules)).toMatchObject({ outcome: 'refused' })
  })

  test('F15 refuses alg none', async () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const unsigned = `${part({ alg: 'none' })}.${part(claims)}.`
    expect(await verifyClientAssertion(unsigned, [pair().jwk], rules)).toMatchObject({ outcome: 'refused' })
  })

  test('F15 refuses HS256 over the public key', async () => {
    const secret = new TextEncoder().encode(JSON.stringify(pair().jwk))
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret)
    expect(await verifyClientAssertion(forged, [pair().jwk], rules)).toMatchObject({ outcome: 'refused' })
  })

  test('F15 never takes a key from the header', async () => {
    const own = await generateKeyPair('ES256', { extractable: true })
    const header = { alg: 'ES256', jwk: await exportJWK(own.publicKey), jku: 'https://evil.dev/jwks.json' }
    const forged = await new SignJWT(claims).setProtectedHeader(header).sign(own.privateKey)
    expect(await verifyClientAssertion(forged, [pair().jwk], rules)).toMatchObject({ outcome: 'key_unknown' })
  })

  test('a key for encryption signs nothing', async () => {
    const keys = [{ ...pair().jwk, use: 'enc' }]
    expect(await verifyClientAssertion(await sign(), keys, rules)).toMatchObject({ outcome: 'key_unknown' })
  })

  test('tells a key that is not known from an assertion that is wrong: the client may have a new one', async () => {
    const signed = await sign({}, { kid: 'newer' })
    expect(await verifyClientAssertion(signed, [pair().jwk], rules)).toEqual({ outcome: 'key_unknown' })
    expect(await verifyClientAssertion(await sign(), [], rules)).toEqual({ outcome: 'key_unknown' })
  })

  test('a key that nobody can use does not spoil the others', async () => {
    const keys = [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }, { kty: 'EC' }, pair().jwk]
    expect(await verifyClientAssertion(await sign(), keys, rules)).toMatchObject({ outcome: 'verified' })
  })

  test('the digest of a jti is the client’s own', async () => {
    const one = await verifyClientAssertion(await sign(), [pair().jwk], rules)
    const second = await sign({ jti: 'twice' })
    const two = await verifyClientAssertion(second, [pair().jwk], rules)
    expect(one.outcome === 'verified' && two.outcome === 'verified' && one.jti_digest !== two.jti_digest).toBe(true)
  })

  test.each(['', 'a.b.c', 'x'.repeat(5_000)])('refuses what is no JWT', async (assertion) => {
    expect(await verifyClientAssertion(assertion, [pair().jwk], rules)).toMatchObject({ outcome: 'refused' })
  })
})
