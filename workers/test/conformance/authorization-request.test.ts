import { beforeAll, describe, expect, it } from 'vitest'
import { type FormPage, meetFormPerson, scopesShown } from '../support/form-person.ts'
import { type RegisteredServer, registerServer } from './owner.ts'
import { at, place } from './place.ts'
import { authorizationRequest, otherClientId, redirectUri } from './program.ts'

let server: RegisteredServer
beforeAll(async () => {
  server = await registerServer()
})

type Fields = Record<string, string | undefined>

async function open(fields: Fields = {}): Promise<FormPage & { state: string }> {
  const { url, state } = await authorizationRequest({ resource: server.server_url, ...fields })
  return { ...(await meetFormPerson(place).open(url)), state }
}

const showsSignIn = (page: FormPage) => page.status === 200 && page.html.includes('name="email"')
const refusal = (page: FormPage) => page.leftTo?.searchParams.get('error')
const refusedOnPage = (page: FormPage) => page.status >= 400 && page.leftTo === null

describe('the authorization request', () => {
  it('is taken by GET [rfc6749-3.1-get]', async () => {
    expect(showsSignIn(await open())).toBe(true)
  })

  it('is taken by POST [rfc6749-3.1-post] [oidc-core-3.1.2.1-methods]', async () => {
    const { url } = await authorizationRequest({ resource: server.server_url })
    const response = await fetch(at('/authorize'), { method: 'POST', body: url.searchParams })
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('name="email"')])
  })

  it('may carry empty and unknown parameters [rfc6749-3.1-empty] [rfc6749-3.1-unknown]', async () => {
    expect(showsSignIn(await open({ scope: '', nonce: '', unheard_of: 'x' }))).toBe(true)
    expect(refusal(await open({ code_challenge: '' }))).toBe('invalid_request')
  })

  it('may not name a parameter twice [rfc6749-3.1-repeated]', async () => {
    const { url } = await authorizationRequest({ resource: server.server_url })
    url.searchParams.append('code_challenge_method', 'plain')
    expect(refusal(await meetFormPerson(place).open(url))).toBe('invalid_request')
  })

  it('needs a response_type, and only code is one [rfc6749-3.1.1-response-type] [rfc6749-4.1.2.1-unsupported-response-type]', async () => {
    expect(refusal(await open({ response_type: undefined }))).toBe('invalid_request')
    expect(refusal(await open({ response_type: 'token' }))).toBe('unsupported_response_type')
  })

  it('is refused on a page when the client is unknown [rfc6749-4.1.2.1-unknown-client]', async () => {
    expect(refusedOnPage(await open({ client_id: 'client_nobody' }))).toBe(true)
  })

  it('is refused as JSON where a program looks before its person does [rfc6749-4.1.2.1-unknown-client]', async () => {
    const { url } = await authorizationRequest({ client_id: 'client_nobody', resource: server.server_url })
    const response = await fetch(url, { headers: { accept: 'application/json' }, redirect: 'manual' })
    expect([response.status, await response.json()]).toEqual([
      401,
      expect.objectContaining({ error: 'invalid_client', error_description: expect.any(String) }),
    ])
    const forPeople = await fetch(url, { headers: { accept: 'text/html,application/json;q=0.9' }, redirect: 'manual' })
    expect(forPeople.headers.get('content-type')).toMatch(/^text\/html/)
  })

  it('needs PKCE [rfc7636-4.4.1-required] [rfc9700-2.1.1-pkce] [rfc8252-8.1-pkce]', async () => {
    const fields = { code_challenge: undefined, code_challenge_method: undefined }
    expect(refusal(await open(fields))).toBe('invalid_request')
    expect(refusal(await open({ ...fields, client_id: otherClientId }))).toBe('invalid_request')
  })

  it('needs S256, not plain and not the default [rfc7636-4.4.1-method]', async () => {
    expect(refusal(await open({ code_challenge_method: 'plain' }))).toBe('invalid_request')
    expect(refusal(await open({ code_challenge_method: undefined }))).toBe('invalid_request')
  })

  it('gives the default scopes when it names none [rfc6749-3.3-default-scope]', async () => {
    const person = meetFormPerson(place)
    const { url } = await authorizationRequest({ resource: server.server_url })
    expect(scopesShown(await person.signIn(await person.open(url)))).toEqual(['files:read', 'files:write'])
  })

  it('is refused when no scope it names means anything here [rfc6749-4.1.2.1-invalid-scope] [rfc8707-2.1-scope]', async () => {
    expect(refusal(await open({ scope: 'calendar:read' }))).toBe('invalid_scope')
  })

  it('may write scheme and host of the resource in upper case [mcp-2026-07-canonical-case]', async () => {
    expect(
      showsSignIn(await open({ resource: server.server_url.replace('http://localhost', 'HTTP://LOCALHOST') })),
    ).toBe(true)
  })

  it('is refused for a resource that is unknown or malformed [rfc8707-2-invalid-target]', async () => {
    expect(refusal(await open({ resource: 'https://unknown.example/mcp' }))).toBe('invalid_target')
    expect(refusal(await open({ resource: 'not a url' }))).toBe('invalid_target')
  })

  it('is refused for a resource with a fragment [rfc8707-2-fragment]', async () => {
    expect(refusal(await open({ resource: `${server.server_url}#part` }))).toBe('invalid_target')
  })

  it('is never answered without a person: prompt=none [oidc-core-3.1.2.1-prompt-none]', async () => {
    expect(refusal(await open({ prompt: 'none', scope: 'openid' }))).toBe('interaction_required')
  })

  it('cannot come by reference [oidc-core-3.1.2.6-request]', async () => {
    expect(refusal(await open({ request: 'eyJhbGciOiJub25lIn0.e30.' }))).toBe('request_not_supported')
    expect(refusal(await open({ request_uri: 'https://a.example/r' }))).toBe('request_uri_not_supported')
  })

  it('fills in the address of login_hint [oidc-core-3.1.2.1-login-hint]', async () => {
    expect((await open({ login_hint: 'ada@example.com' })).html).toContain('value="ada@example.com"')
  })

  it('gets no CORS headers [oauth21-3.1-no-cors]', async () => {
    const { url } = await authorizationRequest({ resource: server.server_url })
    const response = await fetch(url, { headers: { origin: 'https://app.example' }, redirect: 'manual' })
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
  })

  it('leads to pages that cannot be framed and do not leak [rfc6749-10.13-clickjacking] [rfc9700-4.16-framing] [rfc9700-4.2.4-referrer]', async () => {
    const { headers } = await open()
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('referrer-policy')).toMatch(/^(?:same-origin|no-referrer)$/)
  })
})

describe('the redirect URI', () => {
  const exactly = [
    'http://localhost:33418/callback/',
    'http://localhost:33418/callback?x=1',
    'http://localhost:33418/Callback',
    'http://localhost:33418/callback/../callback',
    'http://127.0.0.1.evil.example:33418/callback',
    'https://localhost:33418/callback',
  ]

  it('is compared exactly, and a wrong one is never redirected to [rfc6749-3.1.2.4-invalid-redirect] [rfc9700-2.1-exact-redirect] [rfc8252-8.10-path] [mcp-2026-07-redirect-exact] [mcp-2026-07-redirect-untrusted]', async () => {
    for (const redirect_uri of exactly)
      expect([redirect_uri, refusedOnPage(await open({ redirect_uri }))]).toEqual([redirect_uri, true])
  })

  it('is https or on the person’s own machine [mcp-2026-07-redirect-https]', async () => {
    for (const redirect_uri of ['http://app.example/callback', 'javascript:alert(1)']) {
      expect(refusedOnPage(await open({ redirect_uri }))).toBe(true)
    }
  })

  it('may have any port on the loopback interface [rfc8252-7.3-any-port]', async () => {
    for (const redirect_uri of [
      'http://127.0.0.1:50123/callback',
      'http://[::1]:61000/callback',
      'http://localhost:1024/callback',
    ]) {
      expect([redirect_uri, showsSignIn(await open({ redirect_uri }))]).toEqual([redirect_uri, true])
    }
  })

  it('decides whether an error is redirected at all [rfc9700-4.11-open-redirector] [mcp-2026-07-redirect-trusted]', async () => {
    const evil = await open({ redirect_uri: 'https://evil.example/cb', response_type: 'token' })
    expect(refusedOnPage(evil)).toBe(true)
    expect(evil.html).not.toContain('href="https://evil.example')
    expect((await open({ response_type: 'token' })).leftTo?.href).toMatch(new RegExp(`^${redirectUri}`))
  })
})
