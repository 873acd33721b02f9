import { decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createSigningKeys, type PrivateJwk } from './signing-keys.ts'

async function newKey(kid: string, status?: 'next'): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const { x = '', y = '', d = '' } = await exportJWK(privateKey)
  return { kty: 'EC', crv: 'P-256', x, y, d, kid, alg: 'ES256', ...(status && { status }) }
}

let active: PrivateJwk
let older: PrivateJwk
let next: PrivateJwk
beforeAll(async () => {
  active = await newKey('active')
  older = await newKey('older')
  next = await newKey('next', 'next')
})

describe('signing keys', () => {
  it('sign with the newest in use and say which (SECURITY §6)', async () => {
    const keys = createSigningKeys([next, active, older])
    const token = await keys.sign('at+jwt', { sub: 'a' })
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'active' })
    expect(await keys.verify('at+jwt', token)).toEqual({ sub: 'a' })
  })

  it('verify with each published key', async () => {
    const before = createSigningKeys([older])
    expect(await createSigningKeys([active, older]).verify('JWT', await before.sign('JWT', {}))).toEqual({})
    expect(await createSigningKeys([active]).verify('JWT', await before.sign('JWT', {}))).toBeUndefined()
  })

  it('publish the active one first, the next one too', () => {
    const { keys } = createSigningKeys([next, active, older]).publicKeySet
    expect(keys.map(({ kid }) => kid)).toEqual(['active', 'next', 'older'])
  })

  it('K13 publish no private member, whatever stands in the configuration', () => {
    const { keys } = createSigningKeys([{ ...active, k: 'secret', p: 'secret' } as PrivateJwk]).publicKeySet
    expect(Object.keys(keys[0] ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  })

  it('refuse a token of another type, so that an ID token is no access token (RFC 8725 §3.11)', async () => {
    const keys = createSigningKeys([active])
    expect(await keys.verify('at+jwt', await keys.sign('JWT', {}))).toBeUndefined()
  })

  it('remember a right signature for this very token and type, and nothing that resembles it', async () => {
    const keys = createSigningKeys([active])
    const token = await keys.sign('at+jwt', { sub: 'a' })
    const claims = await keys.verify('at+jwt', token)
    const check = vi.spyOn(crypto.subtle, 'verify')
    onTestFinished(() => check.mockRestore())
    expect(await keys.verify('at+jwt', token)).toBe(claims)
    expect(check).not.toHaveBeenCalled()
    const [header, , signature] = token.split('.')
    expect(
      await keys.verify('at+jwt', `${header}.${btoa('{"sub":"b"}').replaceAll('=', '')}.${signature}`),
    ).toBeUndefined()
    expect(await keys.verify('JWT', token)).toBeUndefined()
    expect(check).toHaveBeenCalledTimes(2)
  })

  it('F15 refuse none, HMAC with the public key, and keys in the header', async () => {
    const keys = createSigningKeys([active])
    const stranger = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(stranger.publicKey)
    const foreign = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'active', jwk })
      .sign(stranger.privateKey)
    const hmac = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'active' })
      .sign(new TextEncoder().encode(active.x))
    const none = `${btoa('{"alg":"none","typ":"at+jwt","kid":"active"}').replaceAll('=', '')}.e30.`
    for (const token of [foreign, hmac, none]) expect(await keys.verify('at+jwt', token)).toBeUndefined()
  })

  it.each(['', '.', 'a.b.c', '..', 'mrt_x', 'e30.e30.e30'])('refuse the malformed token %j', async (token) => {
    expect(await createSigningKeys([active]).verify('at+jwt', token)).toBeUndefined()
  })

  it('need one that is in use', () => {
    expect(() => createSigningKeys([next])).toThrow('no key in use')
  })
})
