import { describe, expect, it } from 'vitest'
import { connect, exchange, introspect, isActive, type Owner, openServer, refresh } from '../support/worker/flow.ts'
import { sql } from '../support/worker/sql.ts'
import { withinOneDay } from '../support/worker/within-one-day.ts'
import { callApi, registerManaged } from './api-requests.ts'

const pathOf = ({ server_id }: Pick<Owner, 'server_id'>) => `/api/servers/${server_id}`

/** A server with one connection, and what the owner reads of it. */
async function connected(more: Readonly<Record<string, unknown>> = {}) {
  const owner = await openServer(undefined, more)
  const tokens = await connect(owner)
  const read = (what: string) => callApi('GET', `${pathOf(owner)}/${what}`, owner.management_token)
  return { owner, tokens, read }
}

describe('GET /api/servers/:id/connections', () => {
  it('shows who is connected, with what the server learns by introspection anyway', async () => {
    const { tokens, read, owner } = await connected()
    const { json } = await read('connections')
    const seen = (await introspect(owner, tokens.access_token)).json
    expect(json).toMatchObject({
      connections: [
        { sub: seen?.sub, email: seen?.email, client_id: 'client_claude_code', scopes: ['files:read', 'files:write'] },
      ],
    })
    expect(json).not.toHaveProperty('next')
  })

  it('J26 shows no address where the server registered without it', async () => {
    const { read, tokens } = await connected({ share_email: false })
    expect((await read('connections')).text).not.toContain(tokens.visitor.email)
  })

  it('is paged by cursor; a cursor of another list, a wrong limit and an unknown parameter are 400', async () => {
    const { owner, read } = await connected()
    await connect(owner)
    const first = await read('connections?limit=1')
    const second = await read(`connections?limit=1&cursor=${String(first.json.next)}`)
    expect([first.json.connections, second.json.connections].map((page) => (page as unknown[]).length)).toEqual([1, 1])
    expect(second.json.connections).not.toEqual(first.json.connections)
    expect(second.json).not.toHaveProperty('next')
    const { next } = (await read('events?limit=1')).json
    for (const query of [
      `cursor=${String(next)}`,
      'limit=0',
      'limit=101',
      'limit=x',
      'limit=1.5',
      'page=2',
      'limit=1&limit=2',
      "cursor='",
    ])
      expect([query, (await read(`connections?${query}`)).status]).toEqual([query, 400])
  })

  it('J3 is 404 for a stranger’s server and 401 without a credential', async () => {
    const { owner } = await connected()
    const stranger = await registerManaged()
    for (const what of ['connections', 'events', 'usage', 'authorizations']) {
      expect((await callApi('GET', `${pathOf(owner)}/${what}`, stranger.token)).status).toBe(404)
      expect((await callApi('GET', `${pathOf(owner)}/${what}?limit=0`)).status).toBe(401)
    }
  })
})

describe('DELETE /api/servers/:id/connections/:connectionId', () => {
  it('cuts one off, at the next introspection and refresh', async () => {
    const { owner, tokens, read } = await connected()
    const other = await connect(owner)
    const list = (await read('connections')).json.connections as { connection_id: string; sub: string }[]
    const { sub } = (await introspect(owner, tokens.access_token)).json ?? {}
    const { connection_id = '' } = list.find((connection) => connection.sub === sub) ?? {}
    const path = `${pathOf(owner)}/connections/${connection_id}`
    expect((await callApi('DELETE', path, owner.management_token)).status).toBe(204)
    expect(await isActive(owner, tokens.access_token)).toBe(false)
    expect((await refresh(tokens.refresh_token)).json?.error).toBe('invalid_grant')
    expect(await isActive(owner, other.access_token)).toBe(true)
  })

  it('J4 is 404 through another server, and for what is no id', async () => {
    const { read, owner } = await connected()
    const [connection] = (await read('connections')).json.connections as { connection_id: string }[]
    const stranger = await registerManaged()
    for (const id of [connection?.connection_id, 'A'.repeat(22), 'x'])
      expect((await callApi('DELETE', `${stranger.path}/connections/${id}`, stranger.token)).status).toBe(404)
    expect((await read('connections')).json.connections).toHaveLength(1)
    expect(owner.server_id).not.toBe(stranger.server_id)
  })
})

describe('GET /api/servers/:id/events', () => {
  it('tells what happened, filtered, with the reference that the person saw, and nothing of where they were', async () => {
    const { owner, read } = await connected()
    const { json, text } = await read('events?event=key.created')
    expect(json).toMatchObject({ events: [{ event: 'key.created', detail: { key_id: owner.key_id } }] })
    const [event] = json.events as { reference: string }[]
    expect((await read(`events?reference=${event?.reference}`)).json.events).toHaveLength(1)
    expect(text).not.toMatch(/"(?:ip|user_agent|country|account_id)"/)
  })
})

describe('GET /api/servers/:id/usage', () => {
  it('counts by day and client, inside the calls that are made anyway', async () => {
    const { day, read, usage } = await withinOneDay(async (day) => {
      const { owner, tokens, read } = await connected()
      await refresh(tokens.refresh_token)
      await introspect(owner, tokens.access_token)
      return { day, read, usage: (await read('usage')).json }
    })
    const counts = { connected: 1, used: 1, refreshed: 1, active_minutes: 1 }
    expect(usage).toEqual({
      days: [{ day, client_id: 'client_claude_code', client_name: 'Claude Code', ...counts }],
    })
    expect((await read('usage?from=2020-01-01&to=2020-01-31')).json).toEqual({ days: [] })
    for (const query of ['from=2020-02-30', 'from=yesterday', 'from=0000-01-01'])
      expect((await read(`usage?${query}`)).status).toBe(400)
  })
})

describe('GET /api/servers/:id/authorizations', () => {
  it('shows how far each came, with what its tokens were last refused for and what that means', async () => {
    const { owner, tokens, read } = await connected()
    await sql(`update mcp_data.servers set client_policy = 'listed' where server_id = $1`, [owner.server_id])
    expect(await isActive(owner, tokens.access_token)).toBe(false)
    const { json } = await read('authorizations')
    expect(json).toMatchObject({
      authorizations: [
        {
          state: 'connected',
          client_name: 'Claude Code',
          last_refusal: {
            step: 'introspection',
            reason: 'client_not_allowed',
            meaning: 'The policy of the server does not allow clients of this kind',
            reference: expect.stringMatching(/^req_/),
          },
        },
      ],
    })
    const [{ steps }] = json.authorizations as [{ steps: { event: string }[] }]
    expect(steps.map(({ event }) => event)).toEqual([
      'code.sent',
      'session.created',
      'consent.granted',
      'authorization_code.redeemed',
    ])
  })

  it('tells the refusal of a code, with the reference in its answer', async () => {
    const { owner, tokens, read } = await connected()
    const refused = await exchange(tokens, { redirect_uri: 'http://localhost:1/other' })
    const { json } = await read('authorizations')
    const reference = refused.headers.get('x-request-id')
    expect(json).toMatchObject({
      authorizations: [{ last_refusal: { step: 'token', reason: 'redirect_uri_mismatch', reference } }],
    })
    expect(owner.server_id).toMatch(/^srv_/)
  })
})
