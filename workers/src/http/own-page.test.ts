import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readOwnPage } from './own-page.ts'

describe('where a sign-in may lead', () => {
  it.each(['/account', '/account/delete', '/dashboard', '/dashboard/servers/srv_4cVYkmE8hVdN2qXb7RtZsL/keys'])(
    'is our page %s',
    (page) => {
      expect(readOwnPage(page)).toBe(page)
    },
  )

  it.each([
    undefined,
    '',
    '/',
    '//evil.example/account',
    'https://evil.example/account',
    '/\\evil.example',
    '/account//evil.example',
    '/account/../consent',
    '/account/%2e%2e/consent',
    '/account?next=https://evil.example',
    '/account#x',
    '/accounts',
    '/account@evil.example',
    '/account\r\nLocation: https://evil.example',
    '/account\n',
    'account',
    ' /account',
    '/consent',
    `/account/${'a'.repeat(200)}`,
  ])('is the account page and nothing else for %j (RFC 9700 §4.11)', (asked) => {
    expect(readOwnPage(asked)).toBe('/account')
  })

  it('never leaves the issuer, whatever is asked for', () => {
    void fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.string(), fc.webPath()), (asked) => {
        expect(new URL(readOwnPage(asked), 'https://as.example').origin).toBe('https://as.example')
      }),
    )
  })
})
