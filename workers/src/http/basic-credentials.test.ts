import { describe, expect, it } from 'vitest'
import { parseBasic, parseBearer } from './basic-credentials.ts'

const basic = (text: string) => `Basic ${btoa(text)}`

describe('Basic credentials', () => {
  it('F13 reads the literal form, as the TypeScript MCP SDK sends it (RFC 7617)', () => {
    expect(parseBasic(basic('srv_a:sk_b'))).toEqual([{ user: 'srv_a', password: 'sk_b' }])
  })

  it('F13 reads the form-encoded form first, as RFC 6749 §2.3.1 asks, and keeps the literal one', () => {
    expect(parseBasic(basic('srv%5Fa:sk+b%3A'))).toEqual([
      { user: 'srv_a', password: 'sk b:' },
      { user: 'srv%5Fa', password: 'sk+b%3A' },
    ])
  })

  it('F13 takes the scheme in any case and splits at the first colon', () => {
    expect(parseBasic(`bAsIc ${btoa('a:b:c')}`)).toEqual([{ user: 'a', password: 'b:c' }])
  })

  it.each([
    'Basic',
    'Basic !!!',
    `Basic ${btoa('nocolon')}`,
    `Basic ${btoa(':empty-user')}`,
    `Basic ${btoa('a:\u0000')}`,
    'Bearer x',
    `Basic ${btoa('\u00ff:x')}`,
  ])('F13 refuses what is not well-formed: %s', (header) => {
    expect(parseBasic(header)).toBeUndefined()
  })

  it.each(['a%zz', 'a%00', 'a%0d%0a'])('F13 reads the percent-coding %s, which can be none, literally', (user) => {
    expect(parseBasic(basic(`${user}:b`))).toEqual([{ user, password: 'b' }])
  })
})

describe('Bearer credentials', () => {
  it('are one b64token after the scheme (RFC 6750 §2.1)', () => {
    expect(parseBearer('bearer a.b-c_d~e+f/g==')).toBe('a.b-c_d~e+f/g==')
    expect(parseBearer('Bearer two words')).toBeUndefined()
    expect(parseBearer('Bearer ')).toBeUndefined()
  })
})
