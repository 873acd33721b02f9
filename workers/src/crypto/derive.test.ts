import { describe, expect, it, vi } from 'vitest'
import { deriveToCompare, deriveToStore, pbkdf2, pbkdf2RoundsCap, rememberedDerivationsCap } from './derive.ts'
import { hmac, type KeyRing, sha256 } from './digest.ts'
import { toBytea, utf8 } from './encoding.ts'

const pepper = { kid: 'p1', key: new Uint8Array(32).fill(3) }
const older = { kid: 'p0', key: new Uint8Array(32).fill(4) }
const peppers: KeyRing = [pepper, older]

describe('PBKDF2', () => {
  it('is PBKDF2-HMAC-SHA-256 (RFC 7914 §11)', async () => {
    expect(toBytea(await pbkdf2(utf8('passwd'), utf8('salt'), 1))).toBe(
      '\\x55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc',
    )
  })

  it('refuses more rounds than Workers allow, because the local runtime would not (SECURITY §3)', async () => {
    await expect(pbkdf2(utf8('a'), utf8('b'), pbkdf2RoundsCap + 1)).rejects.toThrow(RangeError)
    expect(pbkdf2RoundsCap).toBe(100_000)
  })
})

describe('derivation of keys and management tokens', () => {
  it('takes HMAC(pepper, type, NUL, secret) with a salt from type and public part (SECURITY §3)', async () => {
    const { digest, kid } = await deriveToStore(peppers, { type: 'api_key', public_part: 'public', secret: 'secret' })
    const password = await hmac(pepper.key, 'api_key\0secret')
    const salt = (await sha256('api_key\0public')).slice(0, 16)
    expect(digest).toBe(toBytea(await pbkdf2(password, salt, 100_000)))
    expect(kid).toBe('p1')
  })

  it('gives one for each pepper, newest first', async () => {
    const presented = { type: 'api_key', public_part: 'a', secret: 'b' } as const
    const [first, second] = await deriveToCompare(peppers, presented)
    expect(first).toBe((await deriveToStore([pepper], presented)).digest)
    expect(second).toBe((await deriveToStore([older], presented)).digest)
  })

  it('H6 is remembered, so that a known key costs no second derivation', async () => {
    const presented = { type: 'management_token', public_part: 'once', secret: 'only' } as const
    await deriveToCompare([pepper], presented)
    const derive = vi.spyOn(crypto.subtle, 'deriveBits')
    await deriveToCompare([pepper], presented)
    expect(derive).not.toHaveBeenCalled()
    await deriveToCompare([pepper], { ...presented, secret: 'other' })
    expect(derive).toHaveBeenCalledOnce()
    derive.mockRestore()
  })

  it('remembers a bounded number', async () => {
    const cheap = vi.spyOn(crypto.subtle, 'deriveBits').mockImplementation(async () => new ArrayBuffer(32))
    const first = { type: 'api_key', public_part: 'first', secret: 's' } as const
    await deriveToCompare([pepper], first)
    for (let n = 0; n < rememberedDerivationsCap; n++) {
      await deriveToCompare([pepper], { ...first, public_part: `later ${n}` })
    }
    cheap.mockClear()
    await deriveToCompare([pepper], first)
    expect(cheap).toHaveBeenCalledOnce()
    cheap.mockRestore()
  })
})
