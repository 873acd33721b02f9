import { expect, it } from 'vitest'
import { form, house } from '../support/worker/flow.ts'
import { brokenStore, openHouse, silentStore } from '../support/worker/house.ts'

it('M15 M16 sends HSTS for two years with subdomains, and refuses plain http without a redirect', async () => {
  const secure = openHouse({ variables: { ISSUER: 'https://as.example.com' } })
  const answer = await secure.send('/health')
  expect(answer.headers.get('strict-transport-security')).toBe('max-age=63072000; includeSubDomains')
  const plain = await secure.send('http://as.example.com/token', form({ grant_type: 'x' }))
  expect([plain.status, plain.headers.has('location')]).toEqual([403, false])
  expect(house.issuer.startsWith('http:')).toBe(true)
  expect((await house.send('/health')).headers.has('strict-transport-security')).toBe(false)
})

it('A22 A23 an unknown host gets 421 on every route, and its name is not repeated', async () => {
  const secure = openHouse({ variables: { ISSUER: 'https://as.example.com' }, dependencies: { store: silentStore } })
  for (const path of ['/', '/authorize', '/token', '/.well-known/jwks.json', '/health', '/nothing']) {
    for (const host of ['auth-agent-mcp.evil.workers.dev', 'as.example.com.evil.example', 'as.example.com:8443']) {
      const answer = await secure.send(`https://${host}${path}`, { headers: { 'x-forwarded-host': 'as.example.com' } })
      expect([answer.status, answer.text.includes('evil')]).toEqual([421, false])
    }
  }
})

it('C22 addresses come from the one configured header, cut to a /64: other headers have no effect', async () => {
  const keys: string[] = []
  const RATE_TOKEN = { limit: ({ key }: { key: string }) => Promise.resolve({ success: keys.push(key) > 0 }) }
  const edge = openHouse({ bindings: { RATE_TOKEN }, variables: { ISSUER: 'https://as.example.com' } })
  const ask = (headers: Record<string, string>) => edge.send('/token', form({}, headers))
  await ask({ 'cf-connecting-ip': '2001:db8:1:2::1', 'x-forwarded-for': '198.51.100.1' })
  await ask({ 'cf-connecting-ip': '2001:DB8:1:2:ffff::9', 'x-forwarded-for': '198.51.100.2' })
  await ask({ 'x-forwarded-for': '198.51.100.3' })
  expect(keys).toEqual(['token:2001:db8:1:2::/64', 'token:2001:db8:1:2::/64'])
})

it.each(['/sign-in', '/sign-in/code'])(
  'M8 POST %s is sieved by address, before the database is asked',
  async (path) => {
    const keys: string[] = []
    const RATE_CODE_CHECK = { limit: ({ key }: { key: string }) => Promise.resolve({ success: keys.push(key) < 1 }) }
    const issuer = 'https://as.example.com'
    const edge = openHouse({
      bindings: { RATE_CODE_CHECK },
      variables: { ISSUER: issuer },
      dependencies: { store: silentStore },
    })
    const headers = { 'cf-connecting-ip': '203.0.113.5', origin: issuer }
    const answer = await edge.send(path, form({ email: 'person@example.com' }, headers))
    expect([answer.status, answer.headers.get('retry-after'), edge.calls]).toEqual([429, '60', []])
    expect(keys).toEqual([expect.stringMatching(/:203\.0\.113\.5$/)])
  },
)

it('B28 B29 every answer is uncacheable unless it says otherwise, unsniffable and unframeable', async () => {
  const broken = openHouse({ dependencies: { store: brokenStore } })
  for (const path of ['/token', '/ready', '/nothing', '/userinfo', '/errors', '/']) {
    const { headers } = await broken.send(path)
    expect(headers.get('cache-control'), path).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('x-request-id')).toMatch(/^req_/)
  }
})

it('M7 [sieve_fails] a sieve that fails lets through, and the line tells: what must hold is counted in the database', async () => {
  const RATE_TOKEN = { limit: () => Promise.reject(new Error('the counter is away')) }
  const edge = openHouse({ bindings: { RATE_TOKEN }, variables: { ISSUER: 'https://as.example.com' } })
  const { status, json } = await edge.send('/token', form({}, { 'cf-connecting-ip': '203.0.113.5' }))
  expect([status, json?.error]).toEqual([400, 'invalid_request'])
  expect(edge.lines.at(-1)).toMatchObject({ level: 'warn', cause: 'Error: the counter is away' })
})
