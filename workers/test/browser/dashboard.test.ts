import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  approve,
  authorizeUrl,
  type Guest,
  openStage,
  redeem,
  type Stage,
  scripting,
  signIn,
  visitPath,
  welcome,
} from './stage.ts'

let stage: Stage
let guest: Guest
let server: { readonly path: string; readonly url: string; readonly server_id: string }
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage.close())
afterEach(() => guest.context.close())

const press = async (name: string) => {
  await guest.page.getByRole('button', { name, exact: true }).click()
  await guest.page.waitForLoadState('load')
}
const isTold = (text: string) => guest.page.getByRole('status').filter({ hasText: text }).waitFor()
const openTab = (name: string) => guest.page.getByRole('link', { name, exact: true }).click()
const secret = async () => (await guest.page.locator('.secret').textContent()) ?? ''
const secretsShown = () => guest.page.locator('.secret').count()

/** Somebody who has just registered a server on the dashboard. */
async function ownerWith(options: BrowserContextOptions): Promise<Page> {
  guest = await welcome(stage, options)
  const { page } = guest
  await visitPath(stage, page, '/dashboard')
  await signIn(guest)
  const url = `http://localhost:9401/${crypto.randomUUID().slice(0, 8)}/mcp`
  await page.getByLabel('Exact URL').fill(url)
  await page.getByLabel('Name', { exact: true }).fill('Team files')
  await page.getByLabel('First scope').fill('files:read')
  await press('Register')
  await isTold('Registered. Next, make an API key for it.')
  const path = new URL(page.url()).pathname
  server = { path, url, server_id: path.split('/').at(-1) ?? '' }
  return page
}

/** Whether a key is good: asked about a token of ours, for another one is nobody's business. */
async function isGood(key: string, token: string): Promise<boolean> {
  const headers = { authorization: `Basic ${btoa(`${server.server_id}:${key}`)}` }
  const body = new URLSearchParams({ token })
  return (await fetch(new URL('/introspect', stage.stack.issuer), { method: 'POST', headers, body })).status === 200
}

/** Somebody else connects the program to the server. */
async function connectSomebody(): Promise<{ readonly email: string; readonly token: string }> {
  const somebody = await welcome(stage)
  await somebody.page.goto(authorizeUrl(stage, server.url, { scope: 'files:read' }))
  await signIn(somebody)
  await approve(somebody.page)
  const token = await redeem(stage, somebody.page)
  await somebody.context.close()
  return { email: somebody.email, token }
}

const stored = async (columns: string) =>
  (await stage.stack.query(`select ${columns} from mcp_data.servers where server_id = $1`, [server.server_id]))[0]

describe.each(scripting)('with scripting %s', (_name, options) => {
  it('J5 an owner makes keys that are shown once, and revokes one while the other goes on', async () => {
    const page = await ownerWith(options)
    expect(await page.locator('.brand-person').textContent()).toBe(`Signed in as ${guest.email}`)
    const { token } = await connectSomebody()
    await openTab('API keys')
    await page.getByLabel('Name', { exact: true }).fill('old')
    await press('Make the key')
    const old = await secret()
    // Loading it again sends the form again, which makes nothing new.
    await page.reload()
    expect([await secret(), await page.getByRole('button', { name: /^Revoke: / }).count()]).toEqual([old, 1])
    await page.getByLabel('Name', { exact: true }).fill('new')
    await page.getByLabel('Days until it ends').fill('3')
    await press('Make the key')
    const next = await secret()
    expect([await isGood(old, token), await isGood(next, token)]).toEqual([true, true])
    await openTab('API keys')
    expect(await secretsShown()).toBe(0)
    expect(await page.locator('.item').first().textContent()).toContain('ends soon')
    await press('Revoke: old')
    await isTold('Revoked.')
    expect([await isGood(old, token), await isGood(next, token)]).toEqual([false, true])
    expect(await page.getByRole('button', { name: 'Revoke: old' }).count()).toBe(0)
  })

  it('an owner changes settings and scopes, and offers the server and takes it back', async () => {
    const page = await ownerWith(options)
    await page.getByLabel('Name', { exact: true }).first().fill('Shared files')
    await page.getByLabel('Description').fill('What the team shares.')
    await page.getByLabel('Logo').fill('https://cdn.example.com/logo.png')
    await page.getByLabel('Lifetime of an access token').fill('600')
    await page.getByLabel('The server learns the e-mail address').uncheck()
    await page.locator('button[value="settings"]').click()
    await isTold('Saved.')
    expect(await stored('server_name, description, logo_url, token_lifetime_seconds, share_email')).toEqual({
      server_name: 'Shared files',
      description: 'What the team shares.',
      logo_url: 'https://cdn.example.com/logo.png',
      token_lifetime_seconds: 600,
      share_email: false,
    })
    const more = page.getByRole('group', { name: 'One more' }).first()
    await more.getByLabel('Name', { exact: true }).fill('files:write')
    await more.getByLabel('cannot be left out').check()
    await page.locator('button[value="scopes"]').click()
    await isTold('Saved.')
    expect((await stored('scope_names'))?.scope_names).toEqual(['files:read', 'files:write'])
    await page.getByLabel('E-mail address', { exact: true }).fill('heir@example.org')
    await press('Offer it')
    await isTold('Offered.')
    await press('Take the offer back')
    await isTold('The offer is taken back.')
    expect((await stored('offered_to_email'))?.offered_to_email).toBeNull()
  })

  it('A36 an owner sees who is connected, cuts one off, blocks a host and a program, and lets them in again', async () => {
    const page = await ownerWith(options)
    const { email: first } = await connectSomebody()
    const { email: second } = await connectSomebody()
    await openTab('Clients')
    await press(`Cut off: Claude Code, ${first}`)
    await isTold('Cut off.')
    expect(await page.locator('main').textContent()).not.toContain(first)
    await press('Block the program: Claude Code')
    await isTold('Blocked.')
    expect(await page.locator('main').textContent()).not.toContain(second)
    await page.getByLabel('A client_id, or a host').fill('app.example.com')
    await press('Allow')
    await isTold('Allowed.')
    await page.getByLabel('those whose host vouches for them').check()
    await press('Save')
    await isTold('Saved.')
    expect((await stored('client_policy'))?.client_policy).toBe('not_dynamic')
    await press('Remove: client_claude_code')
    await isTold('Removed.')
    expect(await page.locator('.tag', { hasText: 'blocked' }).count()).toBe(0)
    await openTab('Usage')
    expect(await page.getByRole('img').first().getAttribute('aria-label')).toContain('2 in 30 days')
    await page.getByText('Day by day').click()
    // One, but at midnight.
    const days = 'select distinct day from mcp_data.usage_days where server_id = $1'
    const { length } = await stage.stack.query(days, [server.server_id])
    expect(await page.locator('tbody tr').count()).toBe(length)
  })

  it('an owner finds an event and an attempt, and makes, replays and removes a webhook', async () => {
    const page = await ownerWith(options)
    await openTab('Webhooks')
    await page.getByLabel('URL', { exact: true }).fill('https://hooks.example.com/in')
    await page.getByLabel('an API key ends within a week').uncheck()
    await press('Make the webhook')
    expect(await secret()).toMatch(/^whsec_/)
    await connectSomebody()
    await openTab('Webhooks')
    await press('Send again: connection.made')
    await isTold('It is on its way again.')
    await press('Remove: https://hooks.example.com/in')
    await isTold('Removed.')
    expect(await page.locator('.empty').textContent()).toBe('No webhook yet.')
    await openTab('Events')
    await page.getByLabel('What').selectOption({ label: 'Webhook removed' })
    await press('Show')
    expect(await page.locator('.event b').allTextContents()).toEqual(['Webhook removed'])
    const reference = /req_[0-9A-Za-z]{16}/.exec((await page.locator('.event').textContent()) ?? '')?.[0] ?? ''
    await openTab('Show all')
    await page.getByLabel('Reference').fill(reference)
    await press('Show')
    expect(await page.locator('.event').count()).toBe(1)
    await openTab('Attempts')
    expect(await page.locator('h2 .tag').textContent()).toBe('connected')
    await page.getByText('Steps').click()
    expect(await page.locator('.timeline b').allTextContents()).toContain('Consent granted')
    await page.getByLabel('Reference').fill('req_0000000000000000')
    await press('Find')
    expect(await page.locator('.empty').textContent()).toBe('No authorization has this reference.')
  })

  it('J2 an owner takes one offered server and declines another, makes a token and revokes it, and deletes a server', async () => {
    const page = await ownerWith(options)
    const register = async (name: string) =>
      stage.stack.query(
        `insert into mcp_data.servers (server_id, server_url, server_name, scopes, scope_names, status, offered_to_email)
         values ('srv_' || rpad(md5($1 || $2), 22, '0'), 'https://' || md5($2) || '.example/mcp', $1, '[]', '{}', 'pending', $2)`,
        [name, guest.email],
      )
    await register('Calendar')
    await register('Weather')
    await page.locator('.back a').click()
    await press('Accept: Calendar')
    await isTold('It is yours now.')
    expect(await page.locator('h1').textContent()).toContain('Calendar')
    await page.locator('.back a').click()
    await press('Decline: Weather')
    await isTold('Declined.')
    expect(await page.locator('main').textContent()).not.toContain('Weather')
    await openTab('Personal tokens')
    await page.getByLabel('Name', { exact: true }).fill('CI')
    await page.getByLabel('change your servers').check()
    await press('Make the token')
    const token = await secret()
    const asOwner = () =>
      fetch(new URL('/api/servers', stage.stack.issuer), { headers: { authorization: `Bearer ${token}` } })
    expect((await asOwner()).status).toBe(200)
    await visitPath(stage, page, '/dashboard/tokens')
    expect(await secretsShown()).toBe(0)
    await press('Revoke: CI')
    await isTold('Revoked.')
    expect((await asOwner()).status).toBe(401)
    await visitPath(stage, page, server.path)
    await page.getByText('Delete this server…').click()
    await press('Delete the server')
    await isTold('Deleted, with its API keys and connections.')
    expect((await stored('status'))?.status).toBe('deleted')
  })
})

describe('by other means', () => {
  it('J22 an old sign-in has to be renewed before a key is made, and comes back to the page', async () => {
    const page = await ownerWith({})
    await stage.stack.query(
      "update mcp_data.sessions set auth_time = auth_time - interval '1 hour' where account_id = (select account_id from mcp_data.accounts where email = $1)",
      [guest.email],
    )
    await openTab('API keys')
    await page.getByLabel('Name', { exact: true }).fill('production')
    await press('Make the key')
    await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
    await signIn(guest)
    expect(new URL(page.url()).pathname).toBe(`${server.path}/keys`)
    await page.getByLabel('Name', { exact: true }).fill('production')
    await press('Make the key')
    expect(await secret()).toMatch(/^sk_/)
  })

  it('B16 what strangers and owners write stays text on the owner’s pages', async () => {
    const page = await ownerWith({})
    const nasty = '"><img src=x onerror=alert(1)>'
    const dialogs: string[] = []
    page.on('dialog', (dialog) => void dialogs.push(dialog.message()))
    await stage.stack.query(
      `update mcp_data.servers set server_name = $2, description = $2, proof_seen = $2, proof_checked_at = now(), proof_method = 'document',
         scopes = jsonb_build_array(jsonb_build_object('name', 'files:read', 'description', $2::text, 'required', false, 'default', true))
       where server_id = $1`,
      [server.server_id, nasty],
    )
    await connectSomebody()
    await stage.stack.query(
      `update mcp_data.connections set client = client || jsonb_build_object('client_name', $2::text), refused_at = now(),
         refused_step = 'token', refused_reason = $2, refused_request_id = $2 where server_id = $1`,
      [server.server_id, nasty],
    )
    await stage.stack.query('update mcp_data.usage_clients set client_name = $2 where server_id = $1', [
      server.server_id,
      nasty,
    ])
    await stage.stack.query(
      `insert into mcp_data.audit_events (event, server_id, reason, client_id, request_id, detail)
       values ('key.created', $1, $2, $2, $2, jsonb_build_object('key_id', $2::text))`,
      [server.server_id, nasty],
    )
    for (const tab of ['', '/keys', '/clients', '/usage', '/authorizations', '/events', '/webhooks']) {
      await visitPath(stage, page, `${server.path}${tab}`)
      expect([tab, await page.locator('img').count()]).toEqual([tab, 0])
      expect(await page.locator('h1').textContent()).toContain(nasty)
    }
    await visitPath(stage, page, '/dashboard')
    expect(await page.locator('img').count()).toBe(0)
    expect(dialogs).toEqual([])
  })

  it('the pages speak German to a browser that wants it', async () => {
    guest = await welcome(stage, { locale: 'de-AT' })
    await visitPath(stage, guest.page, '/dashboard')
    await signIn(guest)
    expect(await guest.page.locator('html').getAttribute('lang')).toBe('de')
    expect(await guest.page.locator('h1').textContent()).toBe('Ihre Server')
    expect(await guest.page.getByRole('button', { name: 'Eintragen' }).count()).toBe(1)
  })
})
