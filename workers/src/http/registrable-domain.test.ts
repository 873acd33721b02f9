import { describe, expect, it } from 'vitest'
import { registrableDomains } from './registrable-domain.ts'

describe('the registrable part of a host', () => {
  it.each([
    ['claude.ai.evil.dev', 'evil.dev'],
    ['www.example.co.uk:8443', 'example.co.uk'],
    ['claude-ai.github.io', 'claude-ai.github.io'],
    ['claude.ai.someone.github.io', 'someone.github.io'],
    ['login.app.pages.dev', 'app.pages.dev'],
    ['a.xn--80ak6aa92e.com', 'xn--80ak6aa92e.com'],
    ['b.a.xn--p1ai', 'a.xn--p1ai'],
    ['claude.ai', 'claude.ai'],
  ])('B22 of %s is %s', async (host, domain) => {
    expect(await registrableDomains([host])).toEqual({ [host]: domain })
  })

  it('B22 is none for an address, a lone name, or a suffix that nobody registered', async () => {
    expect(await registrableDomains(['127.0.0.1:8080', '[::1]:8080', 'localhost:9401', 'github.io', 'co.uk'])).toEqual(
      {},
    )
  })
})
