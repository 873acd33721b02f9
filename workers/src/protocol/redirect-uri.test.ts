import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { proveRedirect, type RedirectingClient, redirectKind } from './redirect-uri.ts'

const schemes = ['cursor', 'vscode']

function client(...redirect_uris: string[]): RedirectingClient {
  return { client_id: 'client', kind: 'pre_registered', redirect_uris }
}

const redirectExceptions = new Map([['https://good.example', ['https://good-twin.example']]])
const prove = (registered: RedirectingClient, uri: string | undefined) =>
  proveRedirect(registered, uri, { privateUseSchemes: schemes, redirectExceptions })

describe('redirect URIs', () => {
  const registered = client('https://app.example/cb', 'http://127.0.0.1/cb', 'http://localhost:3118/callback')

  it.each(['https://evil.example/cb', 'https://app.example/', 'http://127.0.0.1/other'])(
    'A1 refuses %s, which is not registered (RFC 9700 §4.1.3)',
    (uri) => {
      expect(() => prove(registered, uri)).toThrow('redirect_uri_mismatch')
    },
  )

  it.each([
    'https://app.example/cb/evil',
    'https://app.example/cb/',
    'https://app.example/cb?x=1',
    'https://app.example/cb/../x',
    'https://APP.example/cb',
    'https://app.example:443/cb',
    'https://app.example/%63b',
    'https://app.example./cb',
    'HTTPS://app.example/cb',
    'https://app.example/CB',
    'https://app.example/cb?',
  ])('A2 refuses the near miss %s', (uri) => {
    expect(() => prove(registered, uri)).toThrow(/redirect_uri_(mismatch|malformed)/)
  })

  it.each([
    'http://127.0.0.1:51004/cb',
    'http://127.0.0.1/cb',
    'http://localhost:1/callback',
    'http://localhost/callback',
  ])('A3 takes any port on loopback: %s (RFC 8252 §7.3)', (uri) => {
    expect(prove(registered, uri).redirect_uri).toBe(uri)
  })

  it.each([
    'http://127.0.0.1.evil.com/cb',
    'http://127.0.0.1@evil.example/cb',
    'http://127.0.0.1:80@evil.example/cb',
    'http://127.1/cb',
    'http://0.0.0.0/cb',
    'http://127.0.0.2/cb',
    'http://2130706433/cb',
    'http://[::ffff:127.0.0.1]/cb',
    'http://[0:0:0:0:0:0:0:1]/cb',
    'http://localhost.evil.com/callback',
    'http://LOCALHOST/callback',
    'http://127.0.0.1:0/cb',
    'http://127.0.0.1:65536/cb',
    'http://127.0.0.1:/cb',
    'http://127.0.0.1:1/cb?x=1',
    'https://127.0.0.1:1/cb',
  ])('A3 refuses %s', (uri) => {
    expect(() => prove(registered, uri)).toThrow(/redirect_uri_(mismatch|malformed)/)
  })

  it('A3 keeps the loopback names apart: each must be registered', () => {
    expect(() => prove(client('http://localhost/cb'), 'http://127.0.0.1/cb')).toThrow('redirect_uri_mismatch')
    expect(prove(client('http://[::1]/cb'), 'http://[::1]:8080/cb').kind).toBe('loopback')
  })

  it('A3 lets the loopback names stand for each other where several are listed for one path (INTEROP 4.4)', () => {
    const document = client('http://localhost/callback', 'http://127.0.0.1/callback')
    for (const uri of ['http://[::1]:3118/callback', 'http://127.0.0.1:1/callback', 'http://localhost:9/callback']) {
      expect(prove(document, uri).redirect_uri).toBe(uri)
    }
    for (const uri of ['http://[::1]:3118/', 'http://127.0.0.2/callback', 'http://[::1]:1/callback?x=1']) {
      expect(() => prove(document, uri)).toThrow(/redirect_uri_(mismatch|malformed)/)
    }
    const mixed = client('http://localhost/a', 'http://127.0.0.1/b', 'https://app.example/a')
    expect(() => prove(mixed, 'http://127.0.0.1/a')).toThrow('redirect_uri_mismatch')
    expect(() => prove(client('http://localhost/a', 'http://localhost:1/a'), 'http://[::1]/a')).toThrow('mismatch')
  })

  it('A4 takes no other port on https', () => {
    expect(() => prove(client('https://app/cb'), 'https://app:8443/cb')).toThrow('redirect_uri_mismatch')
  })

  it.each([
    'https://good/cb\r\nX-A:1',
    'https://good/cb\0',
    'https://good\\@evil/cb',
    'https://u@good/cb',
    'https://u:p@good/cb',
    'https://good/cb#f',
    ' https://good/cb',
    'https://good/c b',
    'https://good/%zz',
    'https://gööd/cb',
    'https:/good/cb',
    'https:good/cb',
    '//good/cb',
    `https://good/${'a'.repeat(2_100)}`,
  ])('A5 refuses %j on the raw string, even when it is registered', (uri) => {
    expect(() => prove(client(uri, 'https://x/y'), uri)).toThrow('redirect_uri_malformed')
  })

  it.each([
    'javascript:alert(1)',
    'JaVaScript:alert(1)',
    ' javascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://good/x',
    'http://app.example/cb',
    'about:blank',
  ])('A6 refuses %j, even when it is registered', (uri) => {
    expect(() => prove(client(uri, 'https://x/y'), uri)).toThrow('redirect_uri_malformed')
  })

  it('A7 takes private-use schemes of the configured list only (RFC 8252 §7.1)', () => {
    const uri = 'cursor://anysphere.cursor-mcp/oauth/callback'
    expect(prove(client(uri), uri)).toMatchObject({ kind: 'private_use', trust: 'unproven', label: 'cursor:' })
    expect(redirectKind('evil://x/cb', schemes)).toBeUndefined()
    expect(redirectKind('CURSOR://x/cb', schemes)).toBeUndefined()
    // A configured name never makes a scheme of the web acceptable.
    expect(redirectKind('http://x/cb', ['http'])).toBeUndefined()
  })

  it('may be left out only where exactly one is registered (OAuth 2.1 §4.1.1)', () => {
    expect(prove(client('https://app.example/cb'), undefined).redirect_uri).toBe('https://app.example/cb')
    expect(() => prove(registered, undefined)).toThrow('redirect_uri_missing')
    expect(() => prove(client(), undefined)).toThrow('redirect_uri_missing')
  })

  it('A1 accepts nothing but registered strings and their loopback ports', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (uri) => {
        expect(() => prove(registered, uri)).toThrow(/redirect_uri_/)
      }),
    )
  })
})

describe('trust in a redirect', () => {
  const document = (redirect: string): RedirectingClient => ({
    client_id: 'https://good.example/client.json',
    kind: 'metadata_document',
    redirect_uris: [redirect],
  })
  const dynamic = (redirect: string): RedirectingClient => ({ ...document(redirect), kind: 'dynamic' })

  it.each([
    ['pre-registered, https', client('https://a.example/cb'), 'proven', true],
    ['pre-registered, loopback', client('http://localhost/cb'), 'unproven', true],
    ['pre-registered, private use', client('vscode://x/cb'), 'unproven', true],
    ['document, same origin', document('https://good.example/cb'), 'proven', true],
    ['document, the origin of a configured row', document('https://good-twin.example/cb'), 'proven', true],
    ['dynamic, the origin of a configured row', dynamic('https://good-twin.example/cb'), 'unproven', false],
    ['document, another origin', document('https://evil.example/cb'), 'unproven', false],
    ['document, another port', document('https://good.example:8443/cb'), 'unproven', false],
    ['document, loopback', document('http://127.0.0.1/cb'), 'unproven', true],
    ['dynamic, https', dynamic('https://good.example/cb'), 'unproven', false],
    ['dynamic, loopback', dynamic('http://localhost/cb'), 'unproven', true],
    ['dynamic, private use', dynamic('vscode://x/cb'), 'unproven', false],
  ])('A8 A9 of a client that is %s (SECURITY §11, §12)', (_, of, trust, redirectsErrors) => {
    expect(prove(of, of.redirect_uris[0])).toMatchObject({ trust, redirectsErrors })
  })

  it('names host and port', () => {
    expect(prove(client('http://localhost/cb'), 'http://localhost:3118/cb').label).toBe('localhost:3118')
  })
})
