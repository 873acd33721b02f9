import { beforeAll, describe, expect, it } from 'vitest'
import { serverActs } from '../../src/http/dashboard-acts.ts'
import { house } from '../support/worker/flow.ts'
import { actsOn, call, csrfOf, filled, openWorld, operations, stateOf, type World } from './owner-world.ts'

let victim: World
let attacker: World
let before: string
beforeAll(async () => {
  victim = await openWorld()
  attacker = await openWorld()
  before = await stateOf(victim)
})
const isUntouched = async () => (await stateOf(victim)) === before

describe('the management API', () => {
  const ofServer = operations().filter(({ path }) => path.includes('{'))

  it('J3 J4 tells another owner’s things from none by no answer, and changes nothing, on every route', async () => {
    const nothing = Object.fromEntries(
      Object.entries(victim.ids).map(([name, id]) => [name, id.replace(/[0-9A-Za-z]{8}$/, '0'.repeat(8))]),
    )
    for (const { method, path, isOpen, body } of ofServer) {
      const theirs = await call(method, filled(path, victim.ids), attacker.token, body)
      const none = await call(method, filled(path, nothing), attacker.token, body)
      if (isOpen) {
        // The public facts of a server, and no more.
        expect(Object.keys(theirs.json ?? {}).sort()).toEqual([
          'scopes',
          'server_id',
          'server_name',
          'server_url',
          'status',
        ])
        continue
      }
      expect([method, path, theirs.status, none.status]).toEqual([method, path, 404, 404])
      expect(theirs.json?.error_description).toBe(none.json?.error_description)
    }
    expect(await isUntouched()).toBe(true)
  })

  it('J4 matches what a path names with the server before it: one’s own server does not open another’s key', async () => {
    const mixed = { ...victim.ids, server_id: attacker.ids.server_id ?? '' }
    for (const { method, path, body } of ofServer.filter(({ path }) => (path.match(/\{/g) ?? []).length > 1)) {
      const { status } = await call(method, filled(path, mixed), attacker.token, body)
      expect([method, path, status]).toEqual([method, path, 404])
    }
    const ownHook = {
      ...victim.ids,
      server_id: attacker.ids.server_id ?? '',
      webhook_id: attacker.ids.webhook_id ?? '',
    }
    const replay = '/api/servers/{server_id}/webhooks/{webhook_id}/messages/{message_id}'
    expect((await call('POST', filled(replay, ownHook), attacker.token)).status).toBe(404)
    expect(await isUntouched()).toBe(true)
  })

  it('J1 J20 takes no cookie, no key and no invented token for a credential, on every route', async () => {
    const cookie = [...victim.visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    for (const { method, path, isOpen, body } of operations()) {
      const at = filled(path, victim.ids)
      const init = {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
        headers: { cookie, origin: house.issuer, 'content-type': 'application/json' },
      }
      if (!isOpen) expect([method, path, (await house.send(at, init)).status]).toEqual([method, path, 401])
      for (const token of ['pat_invented', 'smt_invented', 'sk_invented', 'eyJhbGciOiJub25lIn0.e30.']) {
        const { status } = await call(method, at, token, body)
        expect([method, path, token, status]).toEqual([method, path, token, 401])
      }
    }
    expect(await isUntouched()).toBe(true)
  })

  it('J7 refuses members that nobody may set, in every body', async () => {
    const forbidden = {
      server_id: 'srv_0000000000000000000000',
      status: 'verified',
      owner_account_id: attacker.account_id,
      verified_at: 'x',
      proof_method: 'dns',
      account_id: attacker.account_id,
      secret: 'mine',
      constructor: {},
    }
    for (const { method, path, body } of operations().filter(({ body }) => body !== undefined)) {
      for (const [name, value] of Object.entries(forbidden)) {
        const asked = { ...(body as object), [name]: value }
        const { status } = await call(method, filled(path, victim.ids), victim.token, asked)
        expect([method, path, name, status]).toEqual([method, path, name, 400])
      }
    }
    expect(await isUntouched()).toBe(true)
  })
})

describe('the dashboard', () => {
  const page = (tab = '') => `/dashboard/servers/${victim.ids.server_id}${tab}`
  const form = (fields: Record<string, string>, csrf: string) => new URLSearchParams({ ...fields, csrf })

  it('knows every form that is attacked here', () => {
    const attacked = new Set(actsOn(victim).map(([, { act = '' }]) => act))
    expect([...attacked].filter((act) => act !== 'verify' && act !== 'check').sort()).toEqual(
      Object.keys(serverActs).sort(),
    )
  })

  it('B3 B4 takes no form without this person’s token, from elsewhere, or in another encoding', async () => {
    const { visitor } = victim
    const [own, foreign] = [await csrfOf(visitor), await csrfOf(attacker.visitor)]
    const forms: [string, Record<string, string>][] = [
      ...actsOn(victim).map(([tab, fields]): [string, Record<string, string>] => [page(tab), fields]),
      ['/dashboard', { act: 'register', url: 'http://localhost:9401/x/mcp', name: 'x', scope: 'a' }],
      ['/dashboard', { act: 'accept', id: victim.ids.server_id ?? '' }],
      ['/dashboard', { act: 'decline', id: victim.ids.server_id ?? '' }],
      ['/dashboard/tokens', { act: 'create_token', name: 'x', scope: 'servers:read' }],
      ['/dashboard/tokens', { act: 'revoke_token', id: victim.ids.token_id ?? '' }],
    ]
    for (const [path, fields] of forms) {
      const refusedWith = async (csrf: string, headers: Record<string, string> = {}) =>
        (await visitor.post(path, form(fields, csrf), headers)).status
      const statuses = [
        await refusedWith(''),
        await refusedWith(foreign),
        await refusedWith(own, { origin: 'https://evil.example' }),
        await refusedWith(own, { origin: 'null' }),
        await refusedWith(own, { 'sec-fetch-site': 'cross-site' }),
        await refusedWith(own, { 'content-type': 'text/plain' }),
        await refusedWith(own, { 'content-type': 'multipart/form-data; boundary=x' }),
      ]
      expect([path, fields.act, statuses.every((status) => status === 403)]).toEqual([path, fields.act, true])
    }
    expect(await isUntouched()).toBe(true)
  })

  it('J3 J4 does nothing to another owner’s server, nor to their things under one’s own', async () => {
    const { visitor } = attacker
    const csrf = await csrfOf(visitor)
    for (const [tab, fields] of actsOn(victim)) {
      const { status } = await visitor.post(page(tab), form(fields, csrf))
      expect([tab, fields.act, status]).toEqual([tab, fields.act, 404])
      if (fields.id === undefined) continue
      const own = await visitor.post(`/dashboard/servers/${attacker.ids.server_id}${tab}`, form(fields, csrf))
      expect([tab, fields.act, own.status]).toEqual([tab, fields.act, 404])
    }
    for (const act of ['accept', 'decline']) {
      const fields = { act, id: victim.ids.server_id ?? '' }
      expect([act, (await visitor.post('/dashboard', form(fields, csrf))).status]).toEqual([act, 404])
    }
    const fields = { act: 'revoke_token', id: victim.ids.token_id ?? '' }
    expect((await visitor.post('/dashboard/tokens', form(fields, csrf))).status).toBe(404)
    expect(await isUntouched()).toBe(true)
  })

  it('does all of that for the owner: what was refused above was refused for who asked', async () => {
    const own = await openWorld()
    const csrf = await csrfOf(own.visitor)
    for (const [tab, fields] of actsOn(own)) {
      const at = `/dashboard/servers/${own.ids.server_id}${tab}`
      const { status } = await own.visitor.post(at, form(fields, csrf))
      expect([tab, fields.act, status === 200 || status === 303]).toEqual([tab, fields.act, true])
    }
    expect((await own.visitor.open(`/dashboard/servers/${own.ids.server_id}`)).status).toBe(404)
  })

  it('J7 reads of a form what its page has, and nothing else that is sent along', async () => {
    const { visitor, ids } = attacker
    const extra = { status: 'suspended', owner_account_id: victim.account_id, server_url: 'https://evil.example/mcp' }
    const settings = { act: 'settings', server_name: 'Team files', share_email: 'yes', ...extra }
    const csrf = await csrfOf(visitor)
    const answer = await visitor.post(`/dashboard/servers/${ids.server_id}`, form(settings, csrf))
    expect(answer.status).toBe(303)
    const { json } = await call('GET', `/api/servers/${ids.server_id}`, attacker.token)
    expect(json).toMatchObject({ status: 'verified', server_name: 'Team files' })
    expect(json?.server_url).not.toBe(extra.server_url)
  })

  it('A8 leads nowhere else, whatever an address or a form says', async () => {
    const { visitor, ids } = attacker
    const path = `/dashboard/servers/${ids.server_id}/clients`
    const csrf = await csrfOf(visitor)
    const fields = { act: 'policy', policy: 'any', return_to: 'https://evil.example', next: '//evil.example' }
    const answer = await visitor.post(`${path}?done=//evil.example&return_to=https://evil.example`, form(fields, csrf))
    expect([answer.status, answer.location?.href]).toEqual([303, `${house.issuer}${path}?done=saved`])
    for (const tab of ['//evil.example', '..%2f..%2fevil', 'constructor', '__proto__'])
      expect((await visitor.open(`/dashboard/servers/${ids.server_id}/${tab}`)).status).toBe(404)
  })

  it('B1 B28 B29 sends every page with the headers of a page that holds secrets', async () => {
    const { visitor, ids } = attacker
    const at = `/dashboard/servers/${ids.server_id}`
    const tabs = ['', '/keys', '/clients', '/usage', '/authorizations', '/events', '/webhooks']
    for (const path of ['/dashboard', '/dashboard/tokens', ...tabs.map((tab) => at + tab), `${at}/nothing`]) {
      const { headers, text } = await visitor.open(path)
      const policy = headers.get('content-security-policy') ?? ''
      expect([path, policy.includes("default-src 'none'"), policy.includes("frame-ancestors 'none'")]).toEqual([
        path,
        true,
        true,
      ])
      expect(policy).not.toContain('script-src')
      expect([path, headers.get('cache-control'), headers.get('x-frame-options')]).toEqual([path, 'no-store', 'DENY'])
      expect(text).not.toMatch(/<script|onerror=|style="/)
    }
  })
})
