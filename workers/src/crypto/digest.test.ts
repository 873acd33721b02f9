import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  deriveKey,
  digestsToCompare,
  digestToStore,
  emailCodeValue,
  hmac,
  isEqualSecret,
  type KeyRing,
} from './digest.ts'
import { fromBytea, toBytea, utf8 } from './encoding.ts'

const older = { kid: 'old', key: new Uint8Array(32).fill(1) }
const newer = { kid: 'new', key: new Uint8Array(32).fill(2) }
const peppers: KeyRing = [newer, older]

describe('digests of random secrets', () => {
  it('are HMAC-SHA-256 (RFC 4231, test case 2)', async () => {
    expect(toBytea(await hmac(utf8('Jefe'), 'what do ya want for nothing?'))).toBe(
      '\\x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })

  it('are HMAC(pepper, type, NUL, value), 32 bytes (SECURITY §3)', async () => {
    const { digest, kid } = await digestToStore(peppers, 'code', 'mac_x')
    expect(digest).toBe(toBytea(await hmac(newer.key, 'code\0mac_x')))
    expect(fromBytea(digest)).toHaveLength(32)
    expect(kid).toBe('new')
  })

  it('are compared under each pepper, newest first', async () => {
    const [first, second] = await digestsToCompare(peppers, 'session', 'value')
    expect(first).toBe((await digestToStore([newer], 'session', 'value')).digest)
    expect(second).toBe((await digestToStore([older], 'session', 'value')).digest)
  })

  it('G12 differ by type, so that a code is never found as a refresh token', async () => {
    const one = await digestToStore(peppers, 'code', 'value')
    const other = await digestToStore(peppers, 'refresh', 'value')
    expect(one.digest).not.toBe(other.digest)
  })

  it('of e-mail codes hold the transaction', () => {
    expect(emailCodeValue('transaction', '12345678')).toBe('transaction.12345678')
  })
})

describe('comparison', () => {
  it('F25 holds exactly for equal strings', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(isEqualSecret(a, b)).toBe(a === b)
      }),
    )
    fc.assert(
      fc.property(fc.string(), (a) => {
        expect(isEqualSecret(a, a)).toBe(true)
      }),
    )
  })

  it('F25 refuses a prefix', () => {
    expect(isEqualSecret('secret', 'secre')).toBe(false)
    expect(isEqualSecret('', 'a')).toBe(false)
    expect(isEqualSecret('a', 'a\0')).toBe(false)
  })
})

describe('key derivation', () => {
  it('is HKDF-SHA-256 without salt (RFC 5869, test case 3)', async () => {
    const key = await deriveKey(new Uint8Array(22).fill(0x0b), '')
    expect(toBytea(key)).toBe('\\x8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d')
  })
})
