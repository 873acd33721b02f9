import { beforeAll, describe, expect, it } from 'vitest'
import { connect, openServer } from '../support/worker/flow.ts'
import { connectionOf } from '../support/worker/sql.ts'
import { authorizeUrl, type Fields, type Registered, registerServer } from '../worker/requests.ts'
import { type Answer, hiddenFields, meetVisitor, type Visitor, withoutOwnScript } from '../worker/visitor.ts'

let server: Registered
beforeAll(async () => {
  server = await registerServer()
})

const open = (visitor: Visitor, fields: Fields = {}) =>
  visitor.open(authorizeUrl({ resource: server.server_url, ...fields }))
const consentOf = async (visitor: Visitor) => visitor.signIn(await open(visitor))
const approve = { decision: 'approve', scope: 'files:read' }
const directives = (page: Answer) => (page.headers.get('content-security-policy') ?? '').split('; ')

/** The pages of whoever is signed in; one of a connection that is there, and one of none. */
async function accountPages(): Promise<readonly [string, Answer][]> {
  const { visitor, code } = await connect(await openServer())
  const own = ['', '/sessions', '/activity', '/data', '/delete'].map((page) => `/account${page}`)
  const connections = [connectionOf(code), 'x'.repeat(22)].map((id) => `/account/connections/${id}`)
  return Promise.all(
    [...own, ...connections].map(async (path): Promise<[string, Answer]> => [path, await visitor.open(path)]),
  )
}

/** One answer of each page there is. */
async function everyPage(): Promise<readonly [string, Answer][]> {
  const visitor = meetVisitor()
  const first = await open(visitor)
  const code = await visitor.follow(await visitor.submit(first, '/sign-in', { email: visitor.email }))
  const wrong = await visitor.submit(code, '/sign-in/code', { code: '1' })
  const verified = await visitor.submit(code, '/sign-in/code', { code: await visitor.nextCode() })
  const consent = await visitor.follow(verified)
  return [
    ['home', await visitor.open('/')],
    ['sign-in', first],
    ['code', code],
    ['wrong code', wrong],
    ['consent', consent],
    ['sign-out', await visitor.open('/sign-out')],
    ['signed out', await meetVisitor().open('/sign-out')],
    ['sign-in for the account', await meetVisitor().open('/sign-in')],
    ['dead end', await open(visitor, { client_id: 'client_nobody' })],
    ...(await accountPages()),
    ['foreign form', await visitor.submit(consent, '/consent', approve, { origin: 'https://evil.example' })],
  ]
}

describe('headers of every page', () => {
  let pages: readonly [string, Answer][]
  beforeAll(async () => {
    pages = await everyPage()
  })

  const expectOfAll = (check: (page: Answer) => unknown, value: unknown) =>
    expect(pages.map(([name, page]) => [name, check(page)])).toEqual(pages.map(([name]) => [name, value]))

  it('B1 forbids frames, errors included (RFC 9700 §4.16)', () => {
    expectOfAll((page) => directives(page).includes("frame-ancestors 'none'"), true)
    expectOfAll((page) => page.headers.get('x-frame-options'), 'DENY')
  })

  it('B27 allows no script but the one of passkeys, under a nonce, and style by hash only', () => {
    expectOfAll((page) => directives(page)[0], "default-src 'none'")
    expectOfAll((page) => directives(page).some((one) => /^style-src 'sha256-[A-Za-z0-9+/]{43}='$/.test(one)), true)
    const others = (page: Answer) =>
      directives(page).filter((one) => !/^script-src 'nonce-[A-Za-z0-9_-]{43}'$/.test(one))
    expectOfAll((page) => /script-src|unsafe|<script|\son\w+=/.test(`${others(page)}${withoutOwnScript(page)}`), false)
    const withScript = pages.filter(([, page]) => page.text.includes('<script')).map(([name]) => name)
    expect(withScript.filter((name) => !name.startsWith('sign-in'))).toEqual([])
  })

  it('B28 is kept by no cache', () => {
    expectOfAll((page) => page.headers.get('cache-control'), 'no-store')
  })

  it('B29 has its exact type with charset and nosniff', () => {
    expectOfAll((page) => page.headers.get('content-type')?.toLowerCase(), 'text/html; charset=utf-8')
    expectOfAll((page) => page.headers.get('x-content-type-options'), 'nosniff')
  })

  it('B30 is isolated from openers and embedders', () => {
    expectOfAll((page) => page.headers.get('cross-origin-opener-policy'), 'same-origin')
    expectOfAll((page) => page.headers.get('cross-origin-resource-policy'), 'same-origin')
  })

  it('A32 sends its address to nobody else', () => {
    expectOfAll((page) => page.headers.get('referrer-policy'), 'same-origin')
  })

  it('B18 holds no remote image', () => {
    expectOfAll((page) => directives(page).includes("img-src 'self'"), true)
    expectOfAll((page) => /<img|<image/.test(page.text), false)
  })
})

describe('forms from elsewhere', () => {
  const forms = ['/sign-in', '/sign-in/code', '/consent', '/sign-out'] as const

  it.each(forms)(
    'B3 %s refuses a post without its token, whatever the cookies (MCP, Security Best Practices)',
    async (path) => {
      const visitor = meetVisitor()
      const consent = await consentOf(visitor)
      const transaction = hiddenFields(consent, '/consent')?.get('transaction') ?? ''
      for (const csrf of [
        '',
        'x',
        hiddenFields(consent, path === '/consent' ? '/sign-out' : '/consent')?.get('csrf') ?? '',
      ]) {
        const answer = await visitor.post(
          path,
          new URLSearchParams({ transaction, csrf, ...approve, code: '00000000' }),
        )
        expect([answer.status, answer.location, answer.setCookies]).toEqual([403, null, []])
      }
      expect((await visitor.submit(consent, '/consent', approve)).location?.searchParams.has('code')).toBe(true)
    },
  )

  it.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: '' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('B3 refuses a post with %j', async (headers) => {
    const visitor = meetVisitor()
    const consent = await consentOf(visitor)
    const answer = await visitor.submit(consent, '/consent', approve, headers)
    expect([answer.status, answer.location]).toEqual([403, null])
    expect((await visitor.submit(consent, '/consent', approve)).location?.searchParams.has('code')).toBe(true)
  })

  it.each(['TEXT/PLAIN', 'text/plain', '', 'multipart/form-data; boundary=x', 'application/json'])(
    'B4 refuses the content type %j',
    async (type) => {
      const visitor = meetVisitor()
      const consent = await consentOf(visitor)
      const answer = await visitor.submit(consent, '/consent', approve, { 'content-type': type })
      expect([answer.status, answer.location]).toEqual([403, null])
    },
  )

  it('B4 refuses a right content type without the token all the same', async () => {
    const visitor = meetVisitor()
    await consentOf(visitor)
    const type = { 'content-type': 'APPLICATION/X-WWW-FORM-URLENCODED' }
    expect((await visitor.post('/consent', new URLSearchParams(approve), type)).status).toBe(403)
  })
})

describe('whose browser', () => {
  it('B5 signs nobody in with a form of another browser', async () => {
    const attacker = meetVisitor()
    const page = await attacker.follow(
      await attacker.submit(await open(attacker), '/sign-in', { email: attacker.email }),
    )
    const code = await attacker.nextCode()
    for (const victim of [meetVisitor(), meetVisitor()]) {
      await open(victim)
      const answer = await victim.submit(page, '/sign-in/code', { code })
      expect([answer.status, answer.setCookies]).toEqual([400, []])
    }
  })

  it('B6 gives a new session at sign-in and never one the browser brought (OWASP ASVS 7.2.4)', async () => {
    const visitor = meetVisitor()
    const known = 'k'.repeat(43)
    visitor.cookies.set('session', known)
    await consentOf(visitor)
    expect(visitor.cookies.get('session')).not.toBe(known)
    visitor.cookies.set('session', known)
    expect(hiddenFields(await open(visitor), '/sign-in')).toBeDefined()
  })

  it('B6 ends the session of before when the same browser signs in again', async () => {
    const visitor = meetVisitor()
    await consentOf(visitor)
    const before = visitor.cookies.get('session') ?? ''
    await visitor.signIn(await open(visitor, { prompt: 'login' }))
    expect(visitor.cookies.get('session')).not.toBe(before)
    visitor.cookies.set('session', before)
    expect(hiddenFields(await open(visitor), '/sign-in')).toBeDefined()
  })

  it('B7 ties its cookies to this very host over https, and takes no others', async () => {
    const visitor = meetVisitor({ ISSUER: 'https://mcp.example.com' })
    const url = new URL(authorizeUrl({ scope: 'openid' }).search, 'https://mcp.example.com/authorize')
    const page = await visitor.open(url)
    const attributes = '; Path=/; HttpOnly; Secure; SameSite=Lax'
    expect(page.setCookies).toEqual([expect.stringMatching(/^__Host-browser=[\w-]{43}; Max-Age=86400/)])
    expect(page.setCookies.join()).toContain(attributes)
    expect(page.setCookies.join()).not.toContain('Domain')
    await visitor.signIn(page)
    const session = visitor.cookies.get('__Host-session') ?? ''
    visitor.cookies.delete('__Host-session')
    visitor.cookies.set('session', session)
    expect(hiddenFields(await visitor.open(url), '/sign-in')).toBeDefined()
  })

  it('B11 finishes a transaction in no other browser, whoever is signed in there', async () => {
    const first = meetVisitor()
    const captured = await consentOf(first)
    const second = meetVisitor()
    const own = await consentOf(second)
    const transaction = hiddenFields(captured, '/consent')?.get('transaction') ?? ''
    for (const page of [captured, own]) {
      const answer = await second.submit(page, '/consent', { ...approve, transaction })
      expect([answer.status, answer.location]).toEqual([400, null])
    }
    expect((await second.open(`/consent?transaction=${transaction}`)).status).toBe(400)
  })

  it('B12 refuses a form of the account that was signed in before', async () => {
    const visitor = meetVisitor()
    const consent = await consentOf(visitor)
    const tab = await open(visitor, { prompt: 'login' })
    const other = meetVisitor()
    const code = await visitor.follow(await visitor.submit(tab, '/sign-in', { email: other.email }))
    await visitor.submit(code, '/sign-in/code', { code: await other.nextCode() })
    const answer = await visitor.submit(consent, '/consent', approve)
    expect([answer.status, answer.location]).toEqual([403, null])
    expect(answer.text).toContain('Open the current page')
  })
})
