import { expect, it } from 'vitest'
import { canonicalUrl } from '../../src/protocol/resource.ts'
import { authorize, connect, exchange, house, introspect, isActive, openServer } from '../support/worker/flow.ts'
import { openHouse } from '../support/worker/house.ts'
import { authorizeUrl, clientId } from '../worker/requests.ts'
import { meetVisitor } from '../worker/visitor.ts'

/** Where an authorization request for a resource ends: the error a client is told, or the page. */
async function errorFor(resource: string | undefined, more: Record<string, string> = {}): Promise<string> {
  const answer = await meetVisitor().open(authorizeUrl({ resource, ...more }))
  return answer.location?.searchParams.get('error') ?? `page ${answer.status}`
}

it('K1 without resource grants identity alone: other scopes are refused, and the token is for the issuer (RFC 8707)', async () => {
  expect(await errorFor(undefined, { scope: 'files:read' })).toBe('invalid_scope')
  const grant = await authorize({ scope: 'openid email' }, meetVisitor())
  const answer = await exchange(grant)
  const payload = String(answer.json?.access_token).split('.')[1] ?? ''
  const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { aud: unknown }
  expect(claims.aud).toBe(house.issuer)
})

it('K2 with two resources is invalid_target, at both endpoints (RFC 8707 §2)', async () => {
  const [one, two] = [await openServer(), await openServer()]
  const url = authorizeUrl({ resource: one.server_url })
  url.searchParams.append('resource', two.server_url)
  expect((await meetVisitor().open(url)).location?.searchParams.get('error')).toBe('invalid_target')
  const { code, verifier: code_verifier } = await authorize({ resource: one.server_url })
  const body = new URLSearchParams({ grant_type: 'authorization_code', code, code_verifier, client_id: clientId })
  for (const { server_url } of [one, two]) body.append('resource', server_url)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await house.send('/token', { method: 'POST', headers, body: body.toString() })
  expect([answer.status, answer.json?.error]).toEqual([400, 'invalid_target'])
})

it.each(['/..', '%2F', '?x', '#f', '/../mcp', '//'])(
  'K3 a resource with %s at its end is invalid_target',
  async (tail) => {
    const { server_url } = await openServer()
    expect(await errorFor(`${server_url}${tail}`)).toBe('invalid_target')
  },
)

it('K3 folds scheme and host alone: another case in the path is another resource', async () => {
  const { server_url } = await openServer()
  expect(await errorFor(server_url.replace('/mcp', '/MCP'))).toBe('invalid_target')
  expect(await errorFor(server_url.replace('http://localhost', 'HTTP://LocalHost'))).toBe('page 200')
})

it('K4 a host that only looks like the registered one is invalid_target', async () => {
  const { server_url } = await openServer()
  for (const [from, to] of [
    ['localhost:9401', 'localhost:9402'],
    ['localhost', 'localhost.evil.example'],
    ['localhost', 'u@localhost'],
    ['localhost', 'localhost.'],
    ['http:', 'https:'],
  ] as const) {
    expect(await errorFor(server_url.replace(from, to)), to).toBe('invalid_target')
  }
})

it('K5 an audience is compared whole: a token for /a is nothing to a server at /ab', async () => {
  const one = await openServer()
  const two = await openServer(['files:read'], { server_url: `${one.server_url}b` })
  const { access_token } = await connect(one)
  expect(await isActive(one, access_token)).toBe(true)
  expect((await introspect(two, access_token)).text).toBe('{"active":false}')
})

it('K6 http is for loopback, and only where the issuer is there too', async () => {
  expect(await errorFor('http://mcp.example.com/mcp')).toBe('invalid_target')
  expect(canonicalUrl('http://mcp.example.com/mcp')?.scheme).toBe('http')
})

it.each(['/other', '/srv_', '/api/x', `/srv_${'a'.repeat(22)}`, '//api'])(
  'K8 no protected-resource document stands at %s (RFC 9728 §3.1)',
  async (tail) => {
    const answer = await house.send(`/.well-known/oauth-protected-resource${tail}`, {
      headers: { accept: 'text/html' },
    })
    expect([answer.status, answer.json?.error]).toEqual([404, 'not_found'])
  },
)

it('K11 no issuer stands below ours: other well-known paths are a small JSON 404 (RFC 8414 §3.3)', async () => {
  for (const path of ['oauth-authorization-server/x', 'openid-configuration/mcp', 'oauth-authorization-server/', 'x']) {
    const answer = await house.send(`/.well-known/${path}`, { headers: { accept: 'text/html' } })
    expect([answer.status, answer.json?.error, answer.headers.get('content-type')]).toEqual([
      404,
      'not_found',
      'application/json',
    ])
    expect(answer.text.length).toBeLessThan(300)
  }
})

it('K13 publishes no private member of a key, and each key that signs', async () => {
  const { json, text } = await house.send('/.well-known/jwks.json')
  const keys = json?.keys as Record<string, string>[]
  expect(keys.length).toBeGreaterThan(0)
  for (const key of keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  expect(text).not.toMatch(/"(?:d|p|q|k)":/)
})

it('K14 is cached for minutes, with a strong validator, readable from anywhere without credentials', async () => {
  for (const path of ['oauth-authorization-server', 'openid-configuration', 'jwks.json', 'oauth-protected-resource']) {
    const { headers, status } = await house.send(`/.well-known/${path}`, { headers: { origin: 'https://app.example' } })
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=300'])
    expect(headers.get('etag')).toMatch(/^"[A-Za-z0-9_-]{22}"$/)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.has('access-control-allow-credentials')).toBe(false)
    const again = await house.send(`/.well-known/${path}`, { headers: { 'if-none-match': headers.get('etag') ?? '' } })
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', headers.get('etag')])
  }
})

it('A22 comes from configuration, whatever the caller says its host is (RFC 8414 §3.3)', async () => {
  const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' }
  const { text } = await house.send('/.well-known/oauth-authorization-server', { headers })
  expect(text).not.toContain('evil')
  const evil = openHouse({ variables: { ISSUER: 'https://as.example.com' } })
  const asked = await evil.send('http://evil.example/.well-known/oauth-authorization-server')
  expect([asked.status, asked.text.includes('evil')]).toEqual([421, false])
})
