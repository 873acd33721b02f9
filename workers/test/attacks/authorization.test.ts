import { beforeAll, describe, expect, it } from 'vitest'
import { authorizeUrl, type Fields, type Registered, registerServer } from '../worker/requests.ts'
import { type Answer, meetVisitor, send, withoutOwnScript } from '../worker/visitor.ts'

let server: Registered
beforeAll(async () => {
  server = await registerServer()
})

const request = (fields: Fields = {}) => authorizeUrl({ resource: server.server_url, ...fields })
const open = (fields: Fields = {}) => meetVisitor().open(request(fields))

const isPageWithoutRedirect = (page: Answer) =>
  page.status === 400 && page.location === null && /^text\/html/.test(page.headers.get('content-type') ?? '')
const errorOf = (answer: Answer) => answer.location?.searchParams.get('error')

describe('redirect URIs', () => {
  it.each(['https://evil.example/cb', 'https://claude.ai/api/mcp/auth_callback', 'http://evil.example/callback'])(
    'A1 shows a page and redirects nowhere for the unregistered %s (RFC 9700 §4.1)',
    async (redirect_uri) => {
      const page = await open({ redirect_uri })
      expect(isPageWithoutRedirect(page)).toBe(true)
      expect(page.setCookies).toEqual([])
    },
  )

  it.each([
    'http://localhost:51004/callback/',
    'http://localhost:51004/callback/more',
    'http://localhost:51004/callback?x=1',
    'http://localhost:51004/callback/../evil',
    'http://localhost:51004/%63allback',
    'http://LOCALHOST:51004/callback',
    'http://localhost.:51004/callback',
    'HTTP://localhost:51004/callback',
  ])('A2 takes no near miss: %s (RFC 9700 §4.1.3)', async (redirect_uri) => {
    expect(isPageWithoutRedirect(await open({ redirect_uri }))).toBe(true)
  })

  it.each([
    'http://127.0.0.1.evil.com/callback',
    'http://127.0.0.1@evil.example/callback',
    'http://127.1/callback',
    'http://0.0.0.0/callback',
    'http://[::ffff:127.0.0.1]/callback',
    'http://localhost:51004@evil.example/callback',
    'https://localhost/callback',
  ])('A3 lets only real loopback hosts vary their port: %s (RFC 8252 §7.3)', async (redirect_uri) => {
    expect(isPageWithoutRedirect(await open({ redirect_uri }))).toBe(true)
  })

  it.each(['http://127.0.0.1:51004/callback', 'http://localhost:1/callback', 'http://[::1]:65535/callback'])(
    'A3 accepts any port at %s (RFC 8252 §7.3)',
    async (redirect_uri) => {
      expect((await open({ redirect_uri })).status).toBe(200)
    },
  )

  it.each([
    'http://localhost/callback\r\nX-A: 1',
    'http://localhost/callback\0',
    'http://localhost/callback#x',
    'http://localhost\\callback',
    'http://localhost/call back',
    ' http://localhost/callback',
  ])('A5 refuses the raw string %j before it is parsed', async (redirect_uri) => {
    const page = await open({ redirect_uri })
    expect(isPageWithoutRedirect(page)).toBe(true)
    expect(page.headers.get('x-a')).toBeNull()
  })

  it.each([
    'javascript:alert(1)',
    'JaVaScript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:x',
  ])('A6 never redirects to %s', async (redirect_uri) => {
    expect(isPageWithoutRedirect(await open({ redirect_uri }))).toBe(true)
  })
})

describe('errors', () => {
  it('A10 redirects after a POST with 303 only (RFC 9700 §4.12)', async () => {
    const visitor = meetVisitor()
    const first = await visitor.open(request())
    const sent = await visitor.submit(first, '/sign-in', { email: visitor.email })
    const verified = await visitor.submit(await visitor.follow(sent), '/sign-in/code', {
      code: await visitor.nextCode(),
    })
    const consent = await visitor.follow(verified)
    const decided = await visitor.submit(consent, '/consent', { decision: 'approve', scope: 'files:read' })
    expect([sent.status, verified.status, decided.status]).toEqual([303, 303, 303])
  })

  it('A21 carries iss exactly once, equal to the issuer of the metadata (RFC 9207)', async () => {
    const metadata = JSON.parse((await send('/.well-known/oauth-authorization-server')).text) as { issuer: string }
    const { location } = await open({ scope: 'nothing:here' })
    expect(location?.searchParams.getAll('iss')).toEqual([metadata.issuer])
  })
})

describe('parameters', () => {
  it.each([{ response_type: 'id_token' }, { response_type: 'code token' }])(
    'A11 supports only the code response: %j (RFC 9700 §2.1.2)',
    async (fields) => {
      expect(errorOf(await open(fields))).toBe('unsupported_response_type')
    },
  )

  it('A12 supports only response_mode=query', async () => {
    for (const response_mode of ['web_message', 'fragment', 'form_post', 'jwt'])
      expect(errorOf(await open({ response_mode }))).toBe('invalid_request')
  })

  it('A13 gives no code without PKCE (RFC 9700 §2.1.1)', async () => {
    expect(errorOf(await open({ code_challenge: undefined }))).toBe('invalid_request')
  })

  it.each(['plain', 's256', 'S512', undefined])('A14 takes only the method S256, not %s', async (method) => {
    expect(errorOf(await open({ code_challenge_method: method }))).toBe('invalid_request')
  })

  it.each(['client_id', 'redirect_uri'])('A17 shows a page when %s comes twice (OAuth 2.1 §3.1)', async (name) => {
    const url = request()
    url.searchParams.append(name, 'https://evil.example/cb')
    expect(isPageWithoutRedirect(await meetVisitor().open(url))).toBe(true)
  })

  it('A17 refuses any other parameter that comes twice with different values', async () => {
    const url = request()
    url.searchParams.append('code_challenge_method', 'plain')
    expect(errorOf(await meetVisitor().open(url))).toBe('invalid_request')
  })

  it('A19 gives state back percent-encoded and puts it into no page (RFC 6749 A.5)', async () => {
    const state = '"><script>alert(1)</script>'
    const visitor = meetVisitor()
    const first = await visitor.open(request({ state }))
    const consent = await visitor.signIn(first)
    for (const page of [first, consent]) expect(withoutOwnScript(page)).not.toContain('<script')
    const { headers, location } = await visitor.submit(consent, '/consent', { decision: 'deny' })
    expect(headers.get('location')).toContain('state=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E')
    expect(location?.searchParams.get('state')).toBe(state)
  })

  it.each(['a\r\nX-A: 1', 'a\0', 'x'.repeat(4_097)])('A19 refuses a state that no client needs', async (state) => {
    const answer = await open({ state })
    expect(errorOf(answer)).toBe('invalid_request')
    expect(answer.location?.searchParams.has('state')).toBe(false)
    expect(answer.headers.get('x-a')).toBeNull()
  })

  it('A20 needs no state', async () => {
    const visitor = meetVisitor()
    const consent = await visitor.signIn(await visitor.open(request({ state: undefined })))
    const { location } = await visitor.submit(consent, '/consent', { decision: 'approve', scope: 'files:read' })
    expect(location?.searchParams.has('code')).toBe(true)
    expect(location?.searchParams.has('state')).toBe(false)
  })

  it('A24 never answers prompt=none with a code (RFC 9700 §4.11.2)', async () => {
    const visitor = meetVisitor()
    await visitor.signIn(await visitor.open(request()))
    const answer = await visitor.open(request({ prompt: 'none' }))
    expect(errorOf(answer)).toBe('interaction_required')
    const evil = await visitor.open(request({ prompt: 'none', redirect_uri: 'https://evil.example/cb' }))
    expect(isPageWithoutRedirect(evil)).toBe(true)
  })

  it('A25 fetches nothing by reference', async () => {
    const answer = await open({ request_uri: 'https://169.254.169.254/' })
    expect(errorOf(answer)).toBe('request_uri_not_supported')
  })

  it('A26 refuses a query of more than 8 KB and makes no transaction', async () => {
    const page = await open({ nonce: 'x'.repeat(9_000) })
    expect([page.status, page.location, page.setCookies]).toEqual([413, null, []])
  })

  it('A27 has no CORS on browser pages', async () => {
    const page = await meetVisitor().open(request(), { origin: 'https://evil.example' })
    expect([...page.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
  })
})
