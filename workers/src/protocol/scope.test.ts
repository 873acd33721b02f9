import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatScope, isScopeToken, parseScope } from './scope.ts'

describe('scope', () => {
  it.each([
    [undefined, null],
    ['', null],
    ['  \t ', null],
    [' a  b a ', ['a', 'b']],
    ['files:read\topenid', ['files:read', 'openid']],
  ])('reads %j as %j (RFC 6749 §3.3)', (scope, expected) => {
    expect(parseScope(scope)).toEqual(expected)
  })

  it.each(['\0', 'a"b', 'a\\b', 'é', 'a\u00a0b', 'a\u200bb'])('A8 refuses the character in %j', (scope) => {
    expect(() => parseScope(scope)).toThrow('scope_malformed')
  })

  it('F32 refuses 2 KB before splitting', () => {
    expect(() => parseScope('a '.repeat(1_024))).toThrow('scope_too_long')
  })

  it('F32 refuses more names than a full catalogue with the identity scopes has', () => {
    const names = (count: number) => Array.from({ length: count }, (_, n) => `s${n}`).join(' ')
    expect(parseScope(names(68))).toHaveLength(68)
    expect(() => parseScope(names(69))).toThrow('scope_too_long')
  })

  it('is written as it is read', () => {
    const token = fc.stringMatching(/^[a-z:]{1,10}$/)
    fc.assert(
      fc.property(fc.uniqueArray(token, { minLength: 1, maxLength: 20 }), (scopes) => {
        expect(parseScope(formatScope(scopes))).toEqual(scopes)
      }),
    )
  })

  it('has tokens of printable ASCII without space, quote and backslash', () => {
    const allowed = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(isScopeToken)
    expect(allowed).toHaveLength(92)
  })
})
