import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEmailAddress } from './email-address.ts'

describe('e-mail addresses', () => {
  it.each([
    ['victim@x.com', 'victim@x.com'],
    ['Victim@X.Com', 'victim@x.com'],
    [' a.b+c@d-e.f.org ', 'a.b+c@d-e.f.org'],
    ["o'neil@x.com", "o'neil@x.com"],
    ['a@bücher.example', 'a@xn--bcher-kva.example'],
    ['a@xn--bcher-kva.example', 'a@xn--bcher-kva.example'],
  ])('C11 have one canonical form: %s is %s', (text, canonical) => {
    expect(parseEmailAddress(text)).toBe(canonical)
  })

  it.each([
    'victim@x.com,evil@y.com',
    'victim@x.com evil@y.com',
    'victim@x.com;evil@y.com',
    'victim@x.com\r\nBcc: evil@y.com',
    'victim@x.com\n',
    'victim@x.com\0',
    '"victim"@x.com',
    '"a b"@x.com',
    'victim(comment)@x.com',
    'victim@(c)x.com',
    '<victim@x.com>',
    'V <victim@x.com>',
    'victim＠x.com',
    'ｖictim@x.com',
    'vıctim@x.com',
    'víctim@x.com',
    'victim@ｘ.com',
    'victim@x。com',
    'victim@x%2ecom',
    'victim@x.com/a',
    'victim@x.com#a',
    'victim@x.com:80',
    'victim@[127.0.0.1]',
    'victim@127.0.0.1',
    'victim@1.2',
    'victim@localhost',
    'victim@x.com.',
    'victim@-x.com',
    'victim@x..com',
    '.victim@x.com',
    'victim.@x.com',
    'vic..tim@x.com',
    'a@b@c.com',
    '@x.com',
    'victim@',
    'victim',
    '',
    `${'a'.repeat(65)}@x.com`,
    `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.${'f'.repeat(20)}.com`,
  ])('C10 are refused when they are not one plain address: %j', (text) => {
    expect(() => parseEmailAddress(text)).toThrow('email_malformed')
  })

  it('C11 stay what they are when read again', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (text) => {
        let once: string
        try {
          once = parseEmailAddress(text)
        } catch {
          return
        }
        expect(parseEmailAddress(once)).toBe(once)
        expect(once).toMatch(/^[\x21-\x7e]+$/)
      }),
    )
  })
})
