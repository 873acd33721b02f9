import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64Url, fromBytea, toBase64Url, toBytea, utf8 } from './encoding.ts'

describe('base64url', () => {
  it.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foobar', 'Zm9vYmFy'],
  ])('writes %j as %j (RFC 4648 §10)', (plain, encoded) => {
    expect(toBase64Url(utf8(plain))).toBe(encoded)
  })

  it('uses the URL-safe alphabet (RFC 4648 §5)', () => {
    expect(toBase64Url(new Uint8Array([0xfb, 0xff]))).toBe('-_8')
  })

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes)
      }),
    )
  })

  it.each(['Zg==', 'Z', 'Zh', 'Z g', '+/8', 'Zm9v\n'])('refuses another spelling: %j', (value) => {
    expect(fromBase64Url(value)).toBeUndefined()
  })
})

describe('bytea', () => {
  it('is written as PostgreSQL writes it', () => {
    expect(toBytea(new Uint8Array([0, 15, 255]))).toBe('\\x000fff')
  })

  it('is read back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBytea(toBytea(bytes))).toEqual(bytes)
      }),
    )
  })

  it.each(['000f', '\\x0', '\\xzz', '\\xFF'])('refuses %j', (value) => {
    expect(fromBytea(value)).toBeUndefined()
  })
})
