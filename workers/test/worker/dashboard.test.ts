import { describe, expect, it } from 'vitest'
import { connect, isActive, type Owner } from '../support/worker/flow.ts'
import { sql } from '../support/worker/sql.ts'
import { callApi, registerManaged } from './api-requests.ts'
import { accountOf, growStale, ownerOf, secretIn, signedIn } from './dashboard-owner.ts'
import { mailsTo } from './mails.ts'
import { issuer, meetVisitor } from './visitor.ts'

describe('GET /dashboard', () => {
  it('asks to sign in, and leads back', async () => {
    const { location, status } = await meetVisitor().open('/dashboard')
    expect([status, location?.pathname, location?.searchParams.get('return_to')]).toEqual([
      303,
      '/sign-in',
      '/dashboard',
    ])
  })

  it('registers a server that is one’s own at once, and shows it', async () => {
    const { visitor, url, path } = await ownerOf()
    const { text } = await visitor.open('/dashboard')
    for (const shown of ['Team files', url, path, 'proven']) expect(text).toContain(shown)
  })

  it('J2 shows what is offered, and takes or declines it', async () => {
    const visitor = await signedIn()
    const one = await registerManaged({ user_id: await accountOf(visitor) })
    const page = await visitor.open('/dashboard')
    expect(page.text).toContain('Registered in your name by somebody who did not sign in')
    const accepted = await visitor.submit(page, '/dashboard', { act: 'accept', id: one.server_id })
    expect(accepted.location?.pathname).toBe(`/dashboard/servers/${one.server_id}`)
    const two = await registerManaged({ user_id: await accountOf(visitor) })
    await visitor.submit(await visitor.open('/dashboard'), '/dashboard', { act: 'decline', id: two.server_id })
    expect((await visitor.open('/dashboard')).text).not.toContain(two.server_url)
  })

  it('speaks German to whoever reads German', async () => {
    const visitor = await signedIn()
    expect((await visitor.open('/dashboard', { 'accept-language': 'de' })).text).toContain('Einen Server eintragen')
  })
})

describe('the pages of one server', () => {
  it('J3 are its owner’s alone: a stranger sees what everybody sees of none', async () => {
    const { path } = await ownerOf()
    const other = await signedIn()
    for (const tab of ['', '/keys', '/clients', '/usage', '/authorizations', '/events', '/webhooks'])
      expect((await other.open(`${path}${tab}`)).status).toBe(404)
    const nothing = await other.open(`${path}/secrets`)
    expect(nothing.status).toBe(404)
    expect(nothing.text).toContain('<a class="button-link filled" href="/dashboard">')
  })

  it('B4 J20 take no form that is not theirs', async () => {
    const { visitor, path } = await ownerOf()
    const body = new URLSearchParams({ act: 'delete', csrf: 'x' })
    expect((await visitor.post(path, body)).status).toBeGreaterThanOrEqual(400)
    expect((await visitor.post(path, body, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await visitor.open(path)).status).toBe(200)
  })

  it('lead from registering to a key, and from the key to the middleware of this very server', async () => {
    const { visitor, path, server_id } = await ownerOf()
    expect((await visitor.open(`${path}?done=registered`)).text).toContain(`<a href="${path}/keys">`)
    const { text } = await visitor.open(`${path}/keys`)
    for (const line of [`AUTH_AGENT_ISSUER=${issuer}`, `AUTH_AGENT_SERVER_ID=${server_id}`]) {
      expect(text).toContain(line)
    }
    expect(text).toContain('requiredScopes: [&#39;files:read&#39;]')
  })

  it('J5 J22 make a key that is shown once and told by mail, and revoke it', async () => {
    const { visitor, act, at, server_id, url } = await ownerOf()
    const key = secretIn(await act('keys', { act: 'create_key', name: 'production', days: '30' }))
    expect(key).toMatch(/^sk_/)
    const page = await visitor.open(at('keys'))
    expect(page.text).not.toContain(key)
    expect(page.text).toContain('production')
    expect((await mailsTo(visitor.email))[0]?.subject).toBe('An API key was made for your MCP server')
    const owner = { server_id, key_secret: key }
    const { access_token } = await connect({ ...owner, server_url: url } as Owner, { scope: 'files:read' })
    expect(await isActive(owner, access_token)).toBe(true)
    const id = /key_[0-9A-Za-z]{12}/.exec(page.text)?.[0] ?? ''
    expect((await act('keys', { act: 'revoke_key', id })).status).toBe(303)
    expect((await visitor.open(at('keys'))).text).toContain('revoked')
  })

  it('J22 ask for a fresh sign-in before keys, scopes, handing over, webhooks and deletion, and come back', async () => {
    const { visitor, act, path } = await ownerOf()
    await growStale(visitor)
    const dangerous: [string, Record<string, string>][] = [
      ['keys', { act: 'create_key', name: 'x' }],
      ['', { act: 'scopes', name_0: 'files:read', name_1: 'files:write' }],
      ['', { act: 'offer', email: 'heir@example.com' }],
      ['webhooks', { act: 'create_webhook', url: 'https://hooks.example.com/x', event: 'connection.made' }],
      ['', { act: 'delete' }],
    ]
    for (const [tab, fields] of dangerous) {
      const { status, location } = await act(tab, fields)
      expect([fields.act, status, location?.searchParams.get('fresh')]).toEqual([fields.act, 303, 'yes'])
      expect(location?.searchParams.get('return_to')).toBe(tab === '' ? path : `${path}/${tab}`)
    }
    expect(
      (
        await sql('select count(*)::integer as keys from mcp_data.server_keys where server_id = $1', [
          path.split('/')[3],
        ])
      )[0],
    ).toEqual({ keys: 0 })
  })

  it('save settings and scopes, and J16 tell the owner when scopes grow', async () => {
    const { visitor, act, at } = await ownerOf()
    await act('', {
      act: 'settings',
      server_name: 'New name',
      description: 'Ours',
      token_lifetime_seconds: '600',
      share_email: '',
    })
    await act('', {
      act: 'scopes',
      name_0: 'files:read',
      description_0: 'Read',
      default_0: 'yes',
      name_1: 'files:write',
      description_1: '',
    })
    const { text } = await visitor.open(at())
    for (const shown of ['New name', 'value="600"', 'value="files:write"', 'value="Ours"'])
      expect(text).toContain(shown)
    expect((await mailsTo(visitor.email))[0]?.subject).toBe('Your MCP server has new scopes')
  })

  it('say what is wrong with a form, and change nothing', async () => {
    const { visitor, act, at } = await ownerOf()
    const answer = await act('', { act: 'settings', server_name: 'Claude Code', token_lifetime_seconds: '1' })
    expect(answer.status).toBe(400)
    expect((await visitor.open(at())).text).toContain('Team files')
  })

  it('A36 show who is connected, cut one off, and block a host', async () => {
    const { visitor, act, at, server_id, url } = await ownerOf()
    const owner = { server_id, server_url: url } as Owner
    const tokens = await connect(owner, { scope: 'files:read' })
    const page = await visitor.open(at('clients'))
    expect(page.text).toContain(tokens.visitor.email)
    await act('clients', { act: 'disconnect', id: tokens.code.slice(4, 26) })
    expect((await visitor.open(at('clients'))).text).not.toContain(tokens.visitor.email)
    await act('clients', { act: 'block', subject: 'app.example.com' })
    await act('clients', { act: 'policy', policy: 'listed' })
    const { text } = await visitor.open(at('clients'))
    expect(text).toContain('<code>app.example.com</code>')
    expect(text).toMatch(/value="listed" checked/)
  })

  it('draw the use of each day without a script, and say it in words', async () => {
    const { visitor, at, server_id, url } = await ownerOf()
    await connect({ server_id, server_url: url } as Owner, { scope: 'files:read' })
    const { text, headers } = await visitor.open(at('usage'))
    expect(text).toContain('aria-label="Connections used a day: 1 in 30 days, at most 1 on one."')
    // One chart for all, one for the program, and its numbers.
    expect(text.match(/<rect /g)).toHaveLength(60)
    expect(text).toContain('1 uses · 1 connected · 0 refreshed')
    expect(text).not.toMatch(/<script|style="/)
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  it('show how far each authorization came, with reason and reference', async () => {
    const { visitor, at, server_id, url } = await ownerOf()
    const tokens = await connect({ server_id, server_url: url } as Owner, { scope: 'files:read' })
    await sql(
      "update mcp_data.connections set refused_at = now(), refused_step = 'token', refused_reason = 'code_expired', refused_request_id = 'req_x' where connection_id = $1",
      [tokens.code.slice(4, 26)],
    )
    const { text } = await visitor.open(at('authorizations'))
    for (const shown of ['Claude Code', 'connected', 'consent.granted', 'href="/errors#code_expired"', 'req_x'])
      expect(text).toContain(shown)
    const found = await visitor.open(`${at('authorizations')}?reference=req_x`)
    expect(found.text).toContain('<details class="calm" open')
    const none = await visitor.open(`${at('authorizations')}?reference=req_other`)
    expect(none.text).toContain('No authorization has this reference.')
  })

  it('show what happened, by event, program and reference, page by page', async () => {
    const { visitor, act, at } = await ownerOf()
    for (const name of ['one', 'two', 'three']) await act('keys', { act: 'create_key', name })
    const all = await visitor.open(at('events'))
    for (const shown of ['API key made', 'Server registered']) expect(all.text).toContain(`<b>${shown}</b>`)
    const keys = await visitor.open(`${at('events')}?event=key.created&client_id=&reference=&limit=2`)
    expect(keys.text.match(/<b>API key made<\/b>/g)).toHaveLength(2)
    expect(keys.text).not.toContain('<b>Server registered</b>')
    const older = /href="(\?[^"]*cursor=[^"]*)"/.exec(keys.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    expect(older).toContain('event=key.created')
    expect((await visitor.open(`${at('events')}${older}`)).text.match(/<b>API key made<\/b>/g)).toHaveLength(1)
    const reference = /req_[0-9A-Za-z]{16}/.exec(keys.text)?.[0] ?? ''
    const one = await visitor.open(`${at('events')}?event=&reference=${reference}`)
    expect(one.text.match(/<b>API key made<\/b>/g)).toHaveLength(1)
    expect((await visitor.open(`${at('events')}?client_id=nobody`)).text).toContain('Nothing.')
  })

  it('J7 refuse a filter or a cursor that no page of ours makes', async () => {
    const { visitor, at } = await ownerOf()
    const wrong: [string, string][] = [
      ['events', 'event=x'],
      ['events', 'cursor=x'],
      ['events', `cursor=${'9'.repeat(16)}.srv_0000000000000000000000`],
      ['events', 'reference=%00'],
      ['events', 'unknown=1'],
      ['events', 'event=key.created&event=key.revoked'],
      ['authorizations', 'reference=a%20b'],
      ['authorizations', 'cursor=1.x'],
      ['clients', 'limit=1000000'],
      ['keys', 'cursor=1.tok_000000000000'],
    ]
    for (const [tab, query] of wrong) {
      expect([tab, query, (await visitor.open(`${at(tab)}?${query}`)).status]).toEqual([tab, query, 400])
    }
  })

  it('say who is signed in, and what was done, and nothing else that an address says', async () => {
    const { visitor, act, at } = await ownerOf()
    const saved = await visitor.follow(await act('clients', { act: 'policy', policy: 'not_dynamic' }))
    expect(saved.text).toContain('Saved. It counts from now on.')
    expect(saved.text).toContain(`Signed in as <b class="wrap">${visitor.email}</b>`)
    for (const done of ['toString', '<b>', 'constructor']) {
      const { status, text } = await visitor.open(`${at('clients')}?done=${encodeURIComponent(done)}`)
      expect([status, text.includes('class="notice done"')]).toEqual([200, false])
    }
    expect((await visitor.open('/dashboard')).text).toContain(visitor.email)
    expect((await visitor.open('/dashboard/tokens')).text).toContain(visitor.email)
  })

  it('B18 J14 keep a logo for the API, load none, and take no other scheme than https', async () => {
    const { visitor, act, at, server_id } = await ownerOf()
    const save = (logo_url: string) =>
      act('', { act: 'settings', server_name: 'Team files', logo_url, share_email: 'yes' })
    await save('https://cdn.example.com/logo.png')
    const { text } = await visitor.open(at())
    expect(text).toContain('value="https://cdn.example.com/logo.png"')
    expect(text).not.toContain('<img')
    const stored = async () =>
      (await sql('select logo_url from mcp_data.servers where server_id = $1', [server_id]))[0]?.logo_url
    for (const url of ['javascript:alert(1)', 'http://cdn.example.com/logo.png', 'data:image/svg+xml,<svg>'])
      expect([url, (await save(url)).status]).toEqual([url, 400])
    expect(await stored()).toBe('https://cdn.example.com/logo.png')
    await save('')
    expect(await stored()).toBeNull()
  })

  it('make webhooks for the events that are ticked, show their messages, and send one again', async () => {
    const { visitor, act, at, server_id, url } = await ownerOf()
    const hook = 'https://hooks.example.com/x'
    const made = await act('webhooks', {
      act: 'create_webhook',
      url: hook,
      event: ['connection.made', 'key.expiring'],
    })
    expect(secretIn(made)).toMatch(/^whsec_/)
    await connect({ server_id, server_url: url } as Owner, { scope: 'files:read' })
    const { text } = await visitor.open(at('webhooks'))
    expect(text).not.toContain('whsec_')
    const [row] = await sql('select events from mcp_data.webhooks where server_id = $1', [server_id])
    expect(row?.events).toEqual(['connection.made', 'key.expiring'])
    const id = /msg_[0-9a-f]{32}/.exec(text)?.[0] ?? ''
    const webhook = /whk_[0-9A-Za-z]{12}/.exec(text)?.[0] ?? ''
    await sql(
      "update mcp_data.webhook_messages set attempts = 8, next_attempt_at = null, last_seen = 'status 500' where message_id = $1",
      [id],
    )
    const failed = (await visitor.open(at('webhooks'))).text
    for (const shown of ['given up', 'Tries: 8', 'status 500']) expect(failed).toContain(shown)
    const sent = await visitor.follow(await act('webhooks', { act: 'replay', id, webhook }))
    for (const shown of ['It is on its way again.', 'waiting']) expect(sent.text).toContain(shown)
    expect((await act('webhooks', { act: 'create_webhook', url: hook })).status).toBe(400)
    // So that no other test's run of the webhooks sends it.
    await sql('delete from mcp_data.webhook_messages where message_id = $1', [id])
  })

  it('A36 block the program of a connection from beside it, and cut it', async () => {
    const { visitor, act, at, server_id, url } = await ownerOf()
    const owner = { server_id, server_url: url } as Owner
    const key_secret = secretIn(await act('keys', { act: 'create_key', name: 'x' }))
    const { access_token } = await connect(owner, { scope: 'files:read' })
    expect((await visitor.open(at('clients'))).text).toContain('aria-label="Block the program: Claude Code"')
    await act('clients', { act: 'block', client_id: 'client_claude_code' })
    expect(await isActive({ server_id, key_secret }, access_token)).toBe(false)
    expect((await visitor.open(at('clients'))).text).toContain('<code>client_claude_code</code>')
  })

  it('J11 show a failing proof with what was seen, where to serve it, and try again at once', async () => {
    const { visitor, at, act, server_id } = await ownerOf()
    await sql(
      `update mcp_data.servers set proof_method = 'document', proof_checked_at = now(), proof_failing_since = now(),
         proof_seen = 'We fetched X: status 404, expected 200' where server_id = $1`,
      [server_id],
    )
    const { text } = await visitor.open(at())
    for (const shown of ['The proof fails.', 'We fetched X: status 404', 'auth_agent_server_id', 'Try the proof now'])
      expect(text).toContain(shown)
    const again = await act('', { act: 'verify' })
    expect(again.status).toBe(200)
    expect(again.text).not.toContain('We fetched X: status 404')
    expect(again.text).toContain('The proof fails.')
  })

  it('hand a server over: offered, accepted by the other side, and gone from here', async () => {
    const { visitor, act, path, server_id } = await ownerOf()
    const heir = await signedIn()
    await act('', { act: 'offer', email: heir.email })
    expect((await visitor.open(path)).text).toContain(`Offered to ${heir.email}`)
    const page = await heir.open('/dashboard')
    expect(page.text).toContain(`Offered by ${visitor.email}`)
    await heir.submit(page, '/dashboard', { act: 'accept', id: server_id })
    expect((await heir.open(path)).status).toBe(200)
    expect((await visitor.open(path)).status).toBe(404)
  })

  it('look at the server from outside, and say what to change', async () => {
    const { act } = await ownerOf()
    const { text, status } = await act('', { act: 'check' })
    expect(status).toBe(200)
    expect(text).toContain('change this')
  })

  it('J25 delete a server: it is gone with its connections, and the owner is told', async () => {
    const { visitor, act, path } = await ownerOf()
    expect((await act('', { act: 'delete' })).location?.pathname).toBe('/dashboard')
    expect((await visitor.open(path)).status).toBe(404)
    expect((await mailsTo(visitor.email))[0]?.subject).toBe('Your MCP server was deleted')
  })
})

describe('GET /dashboard/tokens', () => {
  it('J5 J19 makes a token that works and is shown once, and revokes it', async () => {
    const visitor = await signedIn()
    const path = '/dashboard/tokens'
    const made = await visitor.submit(await visitor.open(path), path, {
      act: 'create_token',
      name: 'CI',
      days: '7',
      scope: ['servers:read', 'servers:write'],
    })
    const token = secretIn(made)
    expect(token).toMatch(/^pat_/)
    expect((await callApi('GET', '/api/servers', token)).status).toBe(200)
    const page = await visitor.open(path)
    expect(page.text).not.toContain(token)
    const id = /tok_[0-9A-Za-z]{12}/.exec(page.text)?.[0] ?? ''
    await visitor.submit(page, path, { act: 'revoke_token', id })
    expect((await callApi('GET', '/api/servers', token)).status).toBe(401)
  })

  it('J22 needs a fresh sign-in', async () => {
    const visitor = await signedIn()
    await growStale(visitor)
    const path = '/dashboard/tokens'
    const { location } = await visitor.submit(await visitor.open(path), path, {
      act: 'create_token',
      name: 'CI',
      days: '7',
      scope: ['servers:read'],
    })
    expect(location?.searchParams.get('return_to')).toBe(path)
  })
})
