import { describe, expect, it } from 'vitest'
import { parseKeyRequest, parseServerChanges, parseServerRegistration } from './server-registration.ts'

const away = { issuer: 'https://as.test', issuerIsLoopback: false }
const local = { issuer: 'http://localhost:9400', issuerIsLoopback: true }
const good = { server_url: 'https://h.example/mcp', server_name: 'Files', scopes: ['files:read'] }

const parse = (change: object) => parseServerRegistration({ ...good, ...change }, away)

describe('a registration', () => {
  it('takes scopes by plain name: default, not required', () => {
    expect(parse({})).toEqual({
      ...good,
      scopes: [{ name: 'files:read', description: '', required: false, default: true }],
      share_email: true,
    })
  })

  it('takes scopes as objects beside names', () => {
    const scopes = ['a', { name: 'b', description: 'See b', required: true, default: false }]
    expect(parse({ scopes }).scopes[1]).toEqual({ name: 'b', description: 'See b', required: true, default: false })
  })

  it.each(['verified', 'owner_id', 'server_id', 'status', 'client_policy', 'x'])(
    'J7 refuses the unknown member %s by its name',
    (member) => {
      expect(() => parse({ [member]: true })).toThrow(`member_unknown: ${member} is not known`)
    },
  )

  it('J7 refuses __proto__ and members of scopes', () => {
    const proto: unknown = JSON.parse(`{"__proto__":{},${JSON.stringify(good).slice(1)}`)
    expect(() => parseServerRegistration(proto, away)).toThrow('member_unknown')
    expect(() => parse({ scopes: [{ name: 'a', verified: true }] })).toThrow(/scopes/)
  })

  it.each([
    ['server_url', 'member_missing: server_url is missing'],
    ['server_name', 'member_missing: server_name is missing'],
    ['scopes', 'member_missing: scopes is missing'],
  ])('says which member is missing: %s', (member, message) => {
    const rest = Object.fromEntries(Object.entries(good).filter(([name]) => name !== member))
    expect(() => parseServerRegistration(rest, away)).toThrow(message)
  })

  it.each([null, [], 'x', 1])('refuses %j as a whole', (body) => {
    expect(() => parseServerRegistration(body, away)).toThrow('body_malformed')
  })

  it.each([
    'openid',
    'profile',
    'email',
    'offline_access',
    '*',
    '',
    'a b',
    'a"b',
    'é',
    'a'.repeat(65),
    '-a',
    'a\u200b',
  ])('J17 refuses the scope name %j', (name) => {
    expect(() => parse({ scopes: [name] })).toThrow('member_malformed')
    expect(() => parse({ scopes: [{ name }] })).toThrow('member_malformed')
  })

  it('J17 takes real scope names', () => {
    const scopes = ['files:read', 'repo.write', 'https', 'a/b', 'mcp:tools', 'a_b-c']
    expect(parse({ scopes }).scopes).toHaveLength(6)
  })

  it('J24 B23 has limits', () => {
    const names = (count: number) => Array.from({ length: count }, (_, n) => `s${n}`)
    expect(parse({ scopes: names(64) }).scopes).toHaveLength(64)
    expect(() => parse({ scopes: names(65) })).toThrow('64')
    expect(() => parse({ scopes: [] })).toThrow('at least one')
    expect(() => parse({ scopes: ['a', 'a'] })).toThrow('twice')
    expect(() => parse({ scopes: names(20).map((name) => name.padEnd(60, 'x')) })).toThrow('too long')
    expect(() => parse({ scopes: [{ name: 'a', description: 'x'.repeat(121) }] })).toThrow('120')
    expect(() => parse({ server_name: 'x'.repeat(101) })).toThrow('server_name')
  })

  it.each([
    ['server_name', 'Claude\u202e'],
    ['server_name', 'Claude Code'],
    ['server_name', 7],
    ['description', 'a\nb'],
    ['logo_url', 'http://h.example/logo.png'],
    ['logo_url', 'javascript:alert(1)'],
    ['token_lifetime_seconds', 299],
    ['token_lifetime_seconds', 3_601],
    ['token_lifetime_seconds', 600.5],
    ['token_lifetime_seconds', '600'],
    ['share_email', 'yes'],
    ['user_id', 1],
    ['scopes', 'files:read'],
    ['scopes', [1]],
  ])('B20 refuses a malformed %s and names it: %j', (member, value) => {
    expect(() => parse({ [member]: value })).toThrow(new RegExp(`member_malformed: .*${member}`))
  })
})

describe('the server_url', () => {
  it.each([
    ['http://h.example/mcp', 'https'],
    ['https://u@h.example/mcp', 'user name'],
    ['https://h.example/mcp#f', 'fragment'],
    ['https://h.example/mcp?x', 'query'],
    ['https://h.example:443/mcp', 'must be written as https://h.example/mcp'],
    ['https://h.example:8443/mcp', 'port'],
    ['https://h.example/a/../mcp', 'dot segments'],
    ['https://1.2.3.4/mcp', 'public DNS name'],
    ['https://0x7f.1/mcp', 'public DNS name'],
    ['https://[2001:db8::1]/mcp', 'absolute https URL'],
    ['https://*.h.example/mcp', 'absolute https URL'],
    ['https://H.example/mcp', 'must be written as https://h.example/mcp'],
    ['https://h.example./mcp', 'absolute https URL'],
    ['https://h.example/', 'must be written as https://h.example'],
    ['https://h/mcp', 'public DNS name'],
    ['https://printer.local/mcp', 'public DNS name'],
    ['http://localhost:9401/mcp', 'loopback'],
    ['https://localhost/mcp', 'loopback'],
    ['h.example/mcp', 'absolute https URL'],
    ['', 'absolute https URL'],
  ])('J14 %s is refused with what to write: %s', (server_url, message) => {
    expect(() => parse({ server_url })).toThrow(new RegExp(`server_url_malformed: .*${message}`))
  })

  it.each(['https://as.test', 'https://as.test/mcp', 'https://sub.as.test/mcp'])('J15 %s is our own', (server_url) => {
    expect(() => parse({ server_url })).toThrow('address of this server itself')
  })

  it('is taken as it is', () => {
    expect(parse({ server_url: 'https://h.example' }).server_url).toBe('https://h.example')
    expect(parse({ server_url: 'https://h.example/Mcp/' }).server_url).toBe('https://h.example/Mcp/')
  })

  it('may be on loopback where the issuer is, but not at the issuer', () => {
    const at = (server_url: string) => parseServerRegistration({ ...good, server_url }, local).server_url
    expect(at('http://localhost:9401/mcp')).toBe('http://localhost:9401/mcp')
    expect(at('http://[::1]:9401/mcp')).toBe('http://[::1]:9401/mcp')
    expect(at('https://h.example/mcp')).toBe('https://h.example/mcp')
    expect(() => at('http://localhost:9400/mcp')).toThrow('this server itself')
    expect(() => at('http://192.168.0.2/mcp')).toThrow('https')
  })
})

describe('a change', () => {
  it('J18 never touches server_url', () => {
    expect(() => parseServerChanges({ server_url: 'https://other.example' })).toThrow('member_immutable')
  })

  it.each(['status', 'verified', 'server_id', 'user_id'])('J7 refuses %s', (member) => {
    expect(() => parseServerChanges({ [member]: 'x' })).toThrow('member_unknown')
  })

  it('removes with null, and must change something', () => {
    expect(parseServerChanges({ description: null, client_policy: 'pre_registered' })).toEqual({
      description: null,
      client_policy: 'pre_registered',
    })
    expect(() => parseServerChanges({})).toThrow('changes nothing')
    expect(() => parseServerChanges({ server_name: null })).toThrow('server_name')
    expect(() => parseServerChanges({ client_policy: 'cimd' })).toThrow('client_policy')
  })
})

describe('a key request', () => {
  it.each([-1, 0, 3_599, 31_536_001, 1.5, 1e308, '3600', null])('J23 refuses expires_in %j', (expires_in) => {
    expect(() => parseKeyRequest({ name: 'k', expires_in })).toThrow('expires_in')
  })

  it('has a name, and 1 hour to 365 days', () => {
    expect(parseKeyRequest({ name: ' prod ', expires_in: 3_600 })).toEqual({ name: 'prod', expires_in: 3_600 })
    expect(() => parseKeyRequest({ name: ' ' })).toThrow('name')
    expect(() => parseKeyRequest({})).toThrow('name is missing')
    expect(() => parseKeyRequest({ name: 'k', key_id: 'x' })).toThrow('key_id is not known')
  })
})
