import fc from 'fast-check'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createGuard } from '../src/index.ts'
import { bearer, makeOptions } from './support.ts'

const { privateKey, publicKey } = await generateKeyPair('ES256')
const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }

function signToken(kid = 'k1'): Promise<string> {
  return new SignJWT({ client_id: 'client', scope: 'files:read' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
    .setIssuer('https://issuer.example')
    .setSubject('user-1')
    .setAudience('https://mcp.example/mcp')
    .setJti('c.1')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
}

function makeGuard() {
  const { options } = makeOptions(() => new Response(null, { status: 500 }))
  const asked: string[] = []
  const fetch: typeof globalThis.fetch = async (input) => {
    asked.push(String(input))
    return Response.json({ keys: [jwk] })
  }
  const guard = createGuard({ ...options, apiKey: undefined, validation: 'jwt', fetch })
  const check = async (token: string) => (await guard.check(bearer(token))).outcome
  return { check, asked }
}

describe('tokens that are checked by their signature', () => {
  it('L21 1,000 unknown kids cost one call for the keys, and do not lock out a good one', async () => {
    const { check, asked } = makeGuard()
    const tokens = await Promise.all(Array.from({ length: 1000 }, (_, number) => signToken(`unknown-${number}`)))
    expect(new Set(await Promise.all(tokens.map(check)))).toEqual(new Set(['answer']))
    for (const token of tokens) await check(token)
    expect(await check(await signToken())).toBe('allowed')
    expect(asked).toEqual(['https://issuer.example/.well-known/jwks.json'])
  })

  it('L20 are refused with any other letter anywhere', async () => {
    const { check } = makeGuard()
    const token = await signToken()
    expect(await check(token)).toBe('allowed')
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    // Not the last letter: base64url of 64 bytes leaves two bits of it open, and jose takes them for nothing.
    const place = fc.integer({ min: 0, max: token.length - 2 })
    await fc.assert(
      fc.asyncProperty(place, fc.constantFrom(...letters), async (index, letter) => {
        fc.pre(token[index] !== letter)
        expect(await check(token.slice(0, index) + letter + token.slice(index + 1))).toBe('answer')
      }),
      { numRuns: 500 },
    )
  })
})
