import { describe, expect, test } from 'vitest'
import { checkDocumentUrl } from './document-url.ts'

const ownOrigins = ['https://mcp.auth-agent.com', 'https://project.supabase.co', 'http://localhost:9400']
const policy = { ownOrigins, allowLoopback: false }
const outcome = (url: string, allowLoopback = false) => checkDocumentUrl(url, { ...policy, allowLoopback }).outcome

describe('which URLs of strangers are fetched', () => {
  test.each([
    'https://app.good.dev/client.json',
    'https://good.dev/',
    'https://xn--bcher-kva.good.dev/a/b.json?version=2',
    'https://good.dev/a%20b/c.json',
  ])('lets %s pass (CIMD draft §3)', (url) => {
    expect(outcome(url)).toBe('allowed')
  })

  test.each([
    'https://127.0.0.1/x',
    'https://2130706433/x',
    'https://0x7f.1/x',
    'https://0x7f000001/x',
    'https://127.1/x',
    'https://0177.0.0.1/x',
    'https://[::1]/x',
    'https://[::ffff:127.0.0.1]/x',
    'https://169.254.169.254/x',
    'https://good.dev.1/x',
    'https://good.dev.0x/x',
  ])('E1 refuses the address %s in any notation', (url) => {
    expect(outcome(url)).toBe('refused')
  })

  test.each(['https://printer.local/x', 'https://db.internal/x', 'https://a.localhost/x', 'https://intranet/x'])(
    'E2 refuses the special-use or single-label name in %s (RFC 6761)',
    (url) => {
      expect(outcome(url)).toBe('refused')
    },
  )

  test.each([
    'https://mcp.auth-agent.com/api/servers',
    'https://a.mcp.auth-agent.com/x',
    'https://project.supabase.co/rest/v1/',
    'http://localhost:9400/api/servers',
    'http://127.0.0.1:9400/x',
    'http://[::1]:9400/x',
  ])('E5 refuses our own host in %s, under the development switch too', (url) => {
    expect([outcome(url), outcome(url, true)]).toEqual(['refused', 'refused'])
  })

  test.each([
    'http://good.dev/x',
    'HTTPS://good.dev/x',
    'https://good.dev',
    'https://good.dev?x=1',
    'https://good.dev/x#f',
    'https://user@good.dev/x',
    'https://good.dev:8443/x',
    'https://good.dev:443/x',
    'https://good.dev./x',
    'https://Good.dev/x',
    'https://good.dev/a/../x',
    'https://good.dev/a/./x',
    'https://good.dev/%2e%2e/x',
    'https://good.dev/.%2E/x',
    'https://good.dev/%252e%252e/x',
    'https://good.dev/a%2fb',
    'https://good.dev/a%5cb',
    'https://good.dev\\x',
    'https://good.dev/x y',
    ' https://good.dev/x',
    'https://good.dev/x\n',
    'https:/good.dev/x',
    'https://góod.dev/x',
    'https://one.dev/x https://two.dev/x',
    `https://good.dev/${'a'.repeat(2_048)}`,
  ])('E10 refuses %s on the raw string', (url) => {
    expect(outcome(url)).toBe('refused')
  })

  test.each(['http://localhost:4000/x', 'http://127.0.0.1:4000/x', 'http://[::1]:4000/x', 'https://localhost/x'])(
    'reads %s only under the development switch',
    (url) => {
      expect(outcome(url)).toBe('refused')
      expect(outcome(url, true)).toBe('allowed')
    },
  )

  test.each([
    'http://localhost.evil.dev/x',
    'http://localhost@evil.dev/x',
    'http://127.0.0.2:80/x',
    'http://good.dev/x',
    'http://localhost:65536/x',
  ])('the development switch does not cover %s', (url) => {
    expect(outcome(url, true)).toBe('refused')
  })
})
