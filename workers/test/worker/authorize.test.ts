import { beforeAll, describe, expect, it } from 'vitest'
import { authorizeUrl, type Fields, type Registered, redirectUri, registerServer } from './requests.ts'
import { type Answer, attribute, hiddenFields, issuer, meetVisitor, send } from './visitor.ts'

let server: Registered
beforeAll(async () => {
  server = await registerServer()
})

const request = (fields: Fields = {}) => authorizeUrl({ resource: server.server_url, ...fields })
const open = (fields: Fields = {}) => meetVisitor().open(request(fields))
const isSignIn = (page: Answer) => page.status === 200 && hiddenFields(page, '/sign-in') !== undefined

describe('GET /authorize', () => {
  it('shows the sign-in page and binds a transaction to this browser (SECURITY §8)', async () => {
    const page = await open()
    expect(isSignIn(page)).toBe(true)
    expect(hiddenFields(page, '/sign-in')?.get('transaction')).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect(page.setCookies).toEqual([expect.stringMatching(/^browser=[A-Za-z0-9_-]{43}; /)])
  })

  it('says which program asks and for which server (HTTP-API "Pages")', async () => {
    const { text } = await open()
    expect(text).toContain('Claude Code')
    expect(text).toContain('localhost:9401')
  })

  it('keeps one cookie for all tabs of a browser (SECURITY §8)', async () => {
    const visitor = meetVisitor()
    const first = await visitor.open(request())
    const cookie = visitor.cookies.get('browser')
    await visitor.open(request())
    expect(visitor.cookies.get('browser')).toBe(cookie)
    expect((await visitor.signIn(first)).text).toContain('name="decision"')
  })

  it('ends the oldest of more than 10 open transactions of one browser (SECURITY, Limits)', async () => {
    const visitor = meetVisitor()
    const oldest = await visitor.open(request())
    for (let tab = 0; tab < 10; tab++) await visitor.open(request())
    const answer = await visitor.submit(oldest, '/sign-in', { email: visitor.email })
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('transaction_unknown')
  })

  it('shows the consent page at once to somebody who is signed in', async () => {
    const visitor = meetVisitor()
    await visitor.signIn(await visitor.open(request()))
    const page = await visitor.open(request())
    expect(page.text).toContain('name="decision"')
    expect(page.text).toContain(visitor.email)
  })

  it('asks again for prompt=login and for max_age=0 though the session lives (OpenID Connect Core §3.1.2.1)', async () => {
    const visitor = meetVisitor()
    await visitor.signIn(await visitor.open(request()))
    expect(isSignIn(await visitor.open(request({ prompt: 'login' })))).toBe(true)
    expect(isSignIn(await visitor.open(request({ max_age: '0' })))).toBe(true)
  })

  it('puts login_hint into the address field, escaped', async () => {
    const page = await open({ login_hint: 'ada"><b>@example.com' })
    const field = page.text.match(/<input[^>]*id="email"[^>]*>/)?.[0] ?? ''
    expect(attribute(field, 'value')).toBe('ada"><b>@example.com')
  })

  it('sends an error of the request to a loopback client with state and iss, by 303 (RFC 6749 §4.1.2.1, RFC 9207)', async () => {
    const { status, headers, location } = await open({ response_type: 'token' })
    expect(status).toBe(303)
    expect(location?.href.startsWith(`${redirectUri}?`)).toBe(true)
    expect(location?.searchParams.get('error')).toBe('unsupported_response_type')
    expect(location?.searchParams.get('state')).toBe('a-state')
    expect(location?.searchParams.getAll('iss')).toEqual([issuer])
    const reference = headers.get('x-request-id')
    expect(location?.searchParams.get('error_uri')).toBe(
      `${issuer}/errors?reference=${reference}#response_type_unsupported`,
    )
  })

  it('names cause, way out and reference on a dead end (HTTP-API "Conventions")', async () => {
    const page = await open({ client_id: 'client_nobody' })
    expect(page.status).toBe(400)
    expect(page.headers.get('content-type')).toMatch(/^text\/html/)
    expect(page.text).toContain('What you can do')
    expect(page.text).toContain(page.headers.get('x-request-id'))
    expect(page.text).toContain('href="/errors#client_unknown"')
  })

  it('asks for who the person is when no resource is named (HTTP-API "Authorization")', async () => {
    const visitor = meetVisitor()
    const page = await visitor.signIn(await visitor.open(authorizeUrl({ scope: 'openid email' })))
    expect(page.text).toContain('Let ')
    expect(page.text).toContain('know who you are?')
    expect(page.text).not.toContain('name="scope"')
  })
})

describe('POST /authorize', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }

  it('becomes the same request as GET, because Lax cookies do not travel on a cross-site post (SECURITY §8)', async () => {
    const { search } = request({ state: 'a b&c="é' })
    const answer = await send('/authorize', { method: 'POST', body: search.slice(1), headers: form })
    expect(answer.status).toBe(303)
    expect(answer.location?.pathname).toBe('/authorize')
    expect([...(answer.location?.searchParams ?? [])]).toEqual([...new URLSearchParams(search)])
  })

  it('without a client_id is a page', async () => {
    const answer = await send('/authorize', { method: 'POST', body: 'scope=openid', headers: form })
    expect([answer.status, answer.location]).toEqual([400, null])
    expect(answer.text).toContain('client_id_missing')
  })
})

describe('when the database cannot be reached', () => {
  it('answers 503 with Retry-After on a page that says so (HTTP-API "Conventions")', async () => {
    const visitor = meetVisitor({ SUPABASE_URL: 'http://127.0.0.1:9' })
    const page = await visitor.open(request())
    expect(page.status).toBe(503)
    expect(page.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(page.text).toContain('store_unavailable')
  })
})

describe('GET /', () => {
  it('says what this is and how to start', async () => {
    const page = await send('/')
    expect(page.status).toBe(200)
    expect(page.text).toContain(`curl ${issuer}/api/servers`)
  })
})
