import { beforeAll, describe, expect, it } from 'vitest'
import { connect, type Owner, openServer } from '../support/worker/flow.ts'
import { openHouse } from '../support/worker/house.ts'
import { connectionOf, sql } from '../support/worker/sql.ts'
import { mailsTo } from '../worker/mails.ts'
import { atServer, openFor } from '../worker/requests.ts'
import { meetVisitor, type Visitor } from '../worker/visitor.ts'

let owner: Owner
beforeAll(async () => {
  owner = await openServer()
})

const hostile = '"><img src=x onerror=alert(1)>'
const pages = ['/account', '/account/sessions', '/account/activity', '/account/data', '/account/delete']

async function signIn(visitor: Visitor): Promise<void> {
  const page = await visitor.submit(await visitor.open('/sign-in'), '/sign-in', { email: visitor.email })
  await visitor.submit(await visitor.follow(page), '/sign-in/code', { code: await visitor.nextCode() })
}

describe('hostile text', () => {
  it('B16 of programs, servers and browsers is text on every page of the account', async () => {
    const { visitor, code } = await connect(owner)
    const id = connectionOf(code)
    await sql(
      `update mcp_data.connections set client = client || $2::jsonb, scopes = scopes || $3::text[], user_agent = $4
       where connection_id = $1`,
      [id, JSON.stringify({ client_name: hostile }), [hostile], hostile],
    )
    await sql('update mcp_data.servers set server_name = $2 where server_id = $1', [
      owner.server_id,
      hostile.slice(0, 64),
    ])
    await sql(
      'update mcp_data.sessions set user_agent = $2 where account_id = (select account_id from mcp_data.accounts where email = $1)',
      [visitor.email, hostile],
    )
    const shown: string[] = []
    for (const path of [...pages, `/account/connections/${id}`]) {
      const { text, status } = await visitor.open(path, { 'user-agent': hostile })
      expect([path, status, /<img|<script/.test(text)]).toEqual([path, 200, false])
      shown.push(text)
    }
    expect(shown[0]).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(shown[0]).toContain('aria-label="Disconnect &quot;&gt;&lt;img')
  })

  it('B16 C7 reaches no mail: not the name of a program, of a server, nor what a browser says it is', async () => {
    const visitor = meetVisitor()
    const call = { 'user-agent': 'Call +1 555 0100 now', 'cf-ipcountry': 'Call 555 0100' }
    const server = await openServer(['a'], { server_name: 'Call 555 0100' })
    const client = { client_id: `dcr_${crypto.randomUUID()}`, client_name: 'Call 555 0100' }
    const transaction = await openFor(visitor, { client, authorization: atServer(server) })
    const first = await visitor.open(`/sign-in?transaction=${transaction}`, call)
    const sent = await visitor.submit(first, '/sign-in', { email: visitor.email }, call)
    const code = { code: await visitor.nextCode() }
    const consent = await visitor.follow(await visitor.submit(await visitor.follow(sent), '/sign-in/code', code, call))
    await visitor.submit(consent, '/consent', { decision: 'approve', scope: 'a' }, call)
    const mails = await mailsTo(visitor.email)
    expect(mails).toHaveLength(3)
    for (const { subject, text, html } of mails) expect(`${subject}${text}${html}`).not.toMatch(/555 0100|Call/)
  })
})

describe('cookies', () => {
  it('B7 tie session and device to this very host over https', async () => {
    const visitor = meetVisitor({ ISSUER: 'https://mcp.example.com' })
    const page = await visitor.submit(await visitor.open('/sign-in'), '/sign-in', { email: visitor.email })
    const code = await visitor.follow(page)
    const answer = await visitor.submit(code, '/sign-in/code', { code: await visitor.nextCode() })
    expect(answer.location?.href).toBe('https://mcp.example.com/account')
    const lines = answer.setCookies.map((line) => line.replace(/=[^;]+; Max-Age=\d+/, ''))
    const attributes = 'Path=/; HttpOnly; Secure; SameSite=Lax'
    expect(lines).toEqual([`__Host-session; ${attributes}`, `__Host-device; ${attributes}`])
  })

  it('B6 of a session that somebody brought along are never adopted by the account’s pages', async () => {
    const visitor = meetVisitor()
    visitor.cookies.set('session', 'k'.repeat(43))
    expect((await visitor.open('/account')).location?.pathname).toBe('/sign-in')
    await signIn(visitor)
    expect(visitor.cookies.get('session')).not.toBe('k'.repeat(43))
  })

  it('C18 of a device remember four people, and the newest stays', async () => {
    const browser = meetVisitor()
    const people = Array.from({ length: 5 }, () => meetVisitor())
    for (const person of people) {
      person.cookies.set('device', browser.cookies.get('device') ?? '')
      if (!browser.cookies.has('device')) person.cookies.delete('device')
      await signIn(person)
      browser.cookies.set('device', person.cookies.get('device') ?? '')
    }
    expect(browser.cookies.get('device')?.split('~')).toHaveLength(5)
    const [first, last] = [people[0], people[4]]
    for (const person of [first, last]) {
      person?.cookies.delete('session')
      person?.cookies.set('device', browser.cookies.get('device') ?? '')
      if (person) await signIn(person)
    }
    const told = async (person: Visitor | undefined) =>
      (await mailsTo(person?.email ?? '')).filter(({ subject }) => subject.startsWith('New sign-in')).length
    expect([await told(first), await told(last)]).toEqual([2, 1])
  })
})

it('decision 1: each page of the account costs one database call', async () => {
  const { visitor, code } = await connect(owner)
  const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  for (const path of [...pages, `/account/connections/${connectionOf(code)}`, '/account/data/download', '/sign-in']) {
    const own = openHouse()
    expect([path, (await own.send(path, { headers: { cookie } })).status]).toEqual([
      path,
      path === '/sign-in' ? 303 : 200,
    ])
    expect([path, own.calls.length]).toEqual([path, 1])
  }
})
