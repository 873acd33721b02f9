import { beforeAll, describe, expect, it } from 'vitest'
import { redirectSource } from '../../src/http/html-headers.ts'
import { atServer, authorizeUrl, type Fields, openFor, type Registered, registerServer } from '../worker/requests.ts'
import { meetVisitor, type Visitor, withoutOwnScript } from '../worker/visitor.ts'

let server: Registered
beforeAll(async () => {
  server = await registerServer()
})

const open = (visitor: Visitor, fields: Fields = {}) =>
  visitor.open(authorizeUrl({ resource: server.server_url, ...fields }))
const consentOf = async (visitor: Visitor) => visitor.signIn(await open(visitor))
const directives = (page: { headers: Headers }) => (page.headers.get('content-security-policy') ?? '').split('; ')

describe('consent', () => {
  it('B10 shows account, program, redirect host, server, scopes and lifetime (OAuth 2.1, consent phishing)', async () => {
    const visitor = meetVisitor()
    const client = { client_id: `dcr_${crypto.randomUUID()}`, client_name: 'Helpful tool' }
    const transaction = await openFor(visitor, { client, authorization: atServer(server) })
    const { text } = await visitor.signIn(await visitor.open(`/sign-in?transaction=${transaction}`))
    const six = [visitor.email, 'Helpful tool', 'app.example.net', 'localhost:9401', 'files:read', 'At most 7 days']
    // As it is read: what was registered of a host stands out in it.
    const read = text.replaceAll(/<\/?span[^>]*>/g, '')
    for (const shown of six) expect(read).toContain(shown)
    expect(text).toContain('name not verified')
  })

  it('B13 asks again for a loopback redirect, however often it was approved (RFC 8252 §8.6)', async () => {
    const visitor = meetVisitor()
    const consent = await consentOf(visitor)
    await visitor.submit(consent, '/consent', { decision: 'approve', scope: ['files:read', 'files:write'] })
    const again = await open(visitor)
    expect([again.status, again.location]).toEqual([200, null])
    expect(again.text).toContain('name="decision"')
  })

  it('B16 shows hostile names and texts as text (auto-escaping renderer)', async () => {
    const visitor = meetVisitor()
    const hostile = '"><img src=x onerror=alert(1)>'
    const client = { client_id: `dcr_${crypto.randomUUID()}`, client_name: hostile }
    const description = '</style><script>alert(1)</script>'
    const there = await registerServer([{ name: 'a', description: description.slice(0, 100) }], {
      server_name: 'A & B',
    })
    const transaction = await openFor(visitor, { client, authorization: atServer(there) })
    const first = await visitor.open(`/sign-in?transaction=${transaction}`)
    const consent = await visitor.signIn(first)
    for (const page of [first, consent]) {
      expect(page.text).toContain('&lt;img src=x onerror=alert(1)&gt;')
      expect(withoutOwnScript(page)).not.toMatch(/<img|<script/)
    }
    expect(consent.text).toContain('&lt;/style&gt;&lt;script&gt;')
    expect(consent.text).toContain('A &amp; B')
  })

  it('B20 labels the name of a client that registered itself, on every page that shows it', async () => {
    const visitor = meetVisitor()
    const client = { client_id: `dcr_${crypto.randomUUID()}`, client_name: 'Claude Code' }
    const transaction = await openFor(visitor, { client, authorization: atServer(server) })
    const first = await visitor.open(`/sign-in?transaction=${transaction}`)
    expect(first.text).toContain('name not verified')
    expect((await visitor.signIn(first)).text).toContain('name not verified')
  })

  it('B21 shows the A-label of an IDN host (RFC 5890)', async () => {
    const visitor = meetVisitor()
    const redirect_uri = 'https://xn--80ak6aa92e.example/cb'
    const client = {
      client_id: 'https://xn--80ak6aa92e.example/c',
      kind: 'metadata_document',
      redirect_uris: [redirect_uri],
    } as const
    const transaction = await openFor(visitor, { client, authorization: { ...atServer(server), redirect_uri } })
    const { text } = await visitor.signIn(await visitor.open(`/sign-in?transaction=${transaction}`))
    expect(text).toContain('xn--80ak6aa92e.example')
    expect(text).toContain('published by')
    expect(text).not.toContain('аррӏе')
  })

  it('B24 shows hosts before everything that an owner or a client can make long', async () => {
    const visitor = meetVisitor()
    const many = Array.from({ length: 32 }, (_, index) => `scope:${index}`)
    const long = await registerServer(many, { server_name: 'N'.repeat(64) })
    const { text } = await visitor.signIn(await visitor.open(authorizeUrl({ resource: long.server_url })))
    expect(text.indexOf('localhost:51004')).toBeLessThan(text.indexOf('scope:0'))
    expect(text.indexOf('localhost:9401')).toBeLessThan(text.indexOf('scope:0'))
    expect(text).toContain('Allow <bdi class="name">Claude Code</bdi> to use this server?')
  })

  it('B32 refuses a ticked scope that was not asked for', async () => {
    const visitor = meetVisitor()
    const consent = await visitor.signIn(await open(visitor, { scope: 'files:read' }))
    const answer = await visitor.submit(consent, '/consent', {
      decision: 'approve',
      scope: ['files:read', 'files:write'],
    })
    expect([answer.status, answer.location]).toEqual([400, null])
    expect(answer.text).toContain('scope_not_requested')
  })
})

describe('form-action', () => {
  it('B25 takes only scheme, host and port of the redirect URI into the header (OWASP ASVS 3.4.3)', () => {
    expect(redirectSource('http://127.0.0.1:51004/cb;script-src%20*?x=; default-src *')).toBe('http://127.0.0.1:51004')
    expect(redirectSource('http://localhost/callback')).toBe('http://localhost')
    expect(redirectSource('http://[::1]:7777/callback')).toBe('http://*:7777')
    expect(redirectSource('https://app.example.net/;script-src *')).toBeUndefined()
    expect(redirectSource('cursor://anysphere.cursor-mcp/oauth/callback')).toBe('cursor:')
  })

  it('B25 opens form-action on the consent page alone (SECURITY §13)', async () => {
    const visitor = meetVisitor()
    const first = await open(visitor)
    expect(directives(first)).toContain("form-action 'self'")
    expect(directives(await visitor.signIn(first))).toContain("form-action 'self' https: http://localhost:51004")
  })
})
