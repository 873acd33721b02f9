import { beforeAll, describe, expect, it, vi } from 'vitest'
import { sql } from '../support/worker/sql.ts'
import { authorizeUrl, type Registered, registerServer } from './requests.ts'
import { hiddenFields, issuer, meetVisitor, type Visitor } from './visitor.ts'

let server: Registered
beforeAll(async () => {
  server = await registerServer()
})

const start = (visitor: Visitor) => visitor.open(authorizeUrl({ resource: server.server_url }))

async function askForCode(visitor: Visitor) {
  const sent = await visitor.submit(await start(visitor), '/sign-in', { email: visitor.email })
  return visitor.follow(sent)
}

describe('POST /sign-in', () => {
  it('answers 303 to the code page, which names the typed address', async () => {
    const visitor = meetVisitor()
    const sent = await visitor.submit(await start(visitor), '/sign-in', { email: visitor.email })
    expect(sent.status).toBe(303)
    expect(sent.location?.pathname).toBe('/sign-in/code')
    expect((await visitor.follow(sent)).text).toContain(visitor.email)
  })

  it('answers as usual when the mail cannot be sent, and the log says so without the address (SECURITY §29)', async () => {
    const lines = vi.spyOn(console, 'log').mockReturnValue()
    const visitor = meetVisitor({ EMAIL_WEBHOOK_URL: 'http://127.0.0.1:9/' })
    const sent = await visitor.submit(await start(visitor), '/sign-in', { email: visitor.email })
    const logged = lines.mock.calls.map(([line]) => String(line))
    lines.mockRestore()
    expect(sent.status).toBe(303)
    expect(logged.filter((line) => line.includes('email_not_sent'))).toHaveLength(1)
    expect(logged.join()).not.toContain(visitor.email)
  })

  it('keeps the page and the typed text when the address is malformed', async () => {
    const visitor = meetVisitor()
    const page = await visitor.submit(await start(visitor), '/sign-in', { email: 'ada@' })
    expect(page.status).toBe(400)
    expect(page.text).toContain('value="ada@"')
    expect(page.text).toContain('role="alert"')
    expect((await visitor.submit(page, '/sign-in', { email: visitor.email })).status).toBe(303)
  })

  it('asks for an address when none was typed', async () => {
    const visitor = meetVisitor()
    const page = await visitor.submit(await start(visitor), '/sign-in', { email: '' })
    expect(page.status).toBe(400)
    expect(page.text).toContain('Type the e-mail address')
  })
})

describe('POST /sign-in/code', () => {
  it('signs in with the mailed code and goes on to consent (SECURITY §15)', async () => {
    const visitor = meetVisitor()
    const page = await askForCode(visitor)
    const signedIn = await visitor.submit(page, '/sign-in/code', { code: await visitor.nextCode() })
    expect([signedIn.status, signedIn.location?.pathname]).toEqual([303, '/consent'])
    expect(visitor.cookies.get('session')).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  it('takes a code with a space in the middle', async () => {
    const visitor = meetVisitor()
    const page = await askForCode(visitor)
    const code = await visitor.nextCode()
    const typed = `${code.slice(0, 4)} ${code.slice(4)}`
    expect((await visitor.submit(page, '/sign-in/code', { code: typed })).status).toBe(303)
  })

  it('says how many tries are left, and counts no try for what cannot be a code', async () => {
    const visitor = meetVisitor()
    const page = await askForCode(visitor)
    const code = await visitor.nextCode()
    const wrong = code === '00000000' ? '11111111' : '00000000'
    const malformed = await visitor.submit(page, '/sign-in/code', { code: '12' })
    expect([malformed.status, malformed.text.includes('The code has 8 digits')]).toEqual([400, true])
    const tried = await visitor.submit(page, '/sign-in/code', { code: wrong })
    expect([tried.status, tried.text.includes('4 tries left')]).toEqual([400, true])
    expect((await visitor.submit(tried, '/sign-in/code', { code })).status).toBe(303)
  })

  it('offers a new code to the same address, without typing it again', async () => {
    const visitor = meetVisitor()
    const page = await askForCode(visitor)
    const first = await visitor.nextCode()
    const again = await visitor.follow(await visitor.submit(page, '/sign-in'))
    const second = await visitor.nextCode()
    expect(second).not.toBe(first)
    expect((await visitor.submit(again, '/sign-in/code', { code: second })).status).toBe(303)
  })
})

describe('GET /sign-in', () => {
  it('without a request of a program signs in for the account page', async () => {
    const visitor = meetVisitor()
    const page = await visitor.open('/sign-in')
    expect([page.status, page.text.includes('what you have connected')]).toEqual([200, true])
    const code = await visitor.follow(await visitor.submit(page, '/sign-in', { email: visitor.email }))
    const signedIn = await visitor.submit(code, '/sign-in/code', { code: await visitor.nextCode() })
    expect([signedIn.status, signedIn.location?.href]).toEqual([303, `${issuer}/account`])
    expect((await visitor.open('/sign-in')).location?.pathname).toBe('/account')
  })

  it('leads back to the page of ours that asked for it, and to none of another site (no open redirect)', async () => {
    const visitor = meetVisitor()
    const page = await visitor.open('/sign-in?return_to=/dashboard/servers')
    const code = await visitor.follow(await visitor.submit(page, '/sign-in', { email: visitor.email }))
    const signedIn = await visitor.submit(code, '/sign-in/code', { code: await visitor.nextCode() })
    expect(signedIn.location?.href).toBe(`${issuer}/dashboard/servers`)
    for (const asked of [
      '//evil.example',
      'https://evil.example/account',
      '/account/..%2f..%2fconsent',
      '/authorize',
    ]) {
      const answer = await visitor.open(`/sign-in?return_to=${encodeURIComponent(asked)}`)
      expect(answer.location?.href).toBe(`${issuer}/account`)
    }
  })

  it('J22 asks again, with the address at hand, where the sign-in has to be fresh', async () => {
    const visitor = meetVisitor()
    await visitor.signIn(await start(visitor))
    const asked = '/sign-in?return_to=/account/delete&fresh=yes'
    expect((await visitor.open(asked)).location?.pathname).toBe('/account/delete')
    await sql(
      `update mcp_data.sessions set auth_time = auth_time - interval '16 minutes'
       where account_id = (select account_id from mcp_data.accounts where email = $1)`,
      [visitor.email],
    )
    const page = await visitor.open(asked)
    expect(page.text).toContain('Confirm that it is you')
    expect(page.text).toContain(`value="${visitor.email}"`)
    const code = await visitor.follow(await visitor.submit(page, '/sign-in', { email: visitor.email }))
    const before = visitor.cookies.get('session')
    const signedIn = await visitor.submit(code, '/sign-in/code', { code: await visitor.nextCode() })
    expect(signedIn.location?.pathname).toBe('/account/delete')
    expect(visitor.cookies.get('session')).not.toBe(before)
  })

  it('refuses an id that is none of ours', async () => {
    const page = await meetVisitor().open('/sign-in?transaction=..%2f')
    expect([page.status, page.text.includes('form_malformed')]).toEqual([400, true])
  })
})

describe('/sign-out', () => {
  it('ends the session in the database, not only in the browser', async () => {
    const visitor = meetVisitor()
    await visitor.signIn(await start(visitor))
    const session = visitor.cookies.get('session') ?? ''
    const done = await visitor.follow(await visitor.submit(await visitor.open('/sign-out'), '/sign-out'))
    expect(done.text).toContain('You are signed out')
    expect(visitor.cookies.has('session')).toBe(false)
    visitor.cookies.set('session', session)
    expect(hiddenFields(await start(visitor), '/sign-in')).toBeDefined()
  })

  it('from the consent page leads back to the sign-in of the same request', async () => {
    const visitor = meetVisitor()
    const consent = await visitor.signIn(await start(visitor))
    const page = await visitor.follow(await visitor.submit(consent, '/sign-out'))
    expect(hiddenFields(page, '/sign-in')?.get('transaction')).toBe(
      hiddenFields(consent, '/consent')?.get('transaction'),
    )
  })
})
