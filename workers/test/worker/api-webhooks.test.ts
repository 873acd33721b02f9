import { beforeEach, describe, expect, it } from 'vitest'
import { hmac } from '../../src/crypto/digest.ts'
import { runKeyNotices } from '../../src/key-notices.ts'
import { runWebhooks } from '../../src/webhooks.ts'
import { host, hostUrl, requestsFor } from '../support/worker/document-host.ts'
import { connect, openServer, refresh } from '../support/worker/flow.ts'
import { openHouse } from '../support/worker/house.ts'
import { sql } from '../support/worker/sql.ts'
import { callApi, registerManaged } from './api-requests.ts'

const LIMITS = '{"document_calls_per_host":1000,"document_failures_per_host":1000}'
const house = openHouse({ variables: { DOCUMENTS_ALLOW_LOOPBACK: 'on', LIMITS } })
type Managed = Awaited<ReturnType<typeof openServer>>
type Webhook = {
  webhook_id: string
  messages: { message_id: string; type: string; state: string; attempts: number; seen?: string }[]
}

const path = ({ server_id }: Pick<Managed, 'server_id'>, rest = '') => `/api/servers/${server_id}/webhooks${rest}`

function send(method: string, to: string, token: string, body?: unknown) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return house.send(to, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
}

/** A server whose events are told to a place of this test's. */
async function watched(events?: readonly string[]) {
  const server = await openServer()
  const place = `/hooks/${crypto.randomUUID()}`
  await host(place, { status: 204 })
  const made = await send('POST', path(server), server.management_token, {
    url: hostUrl(place),
    ...(events && { events }),
  })
  if (made.status !== 201) throw new Error(made.text)
  const read = async () => {
    const { json } = await send('GET', path(server), server.management_token)
    const [webhook] = (json?.webhooks ?? []) as Webhook[]
    if (webhook === undefined) throw new Error('there is no webhook')
    return webhook
  }
  return { server, place, secret: String(made.json?.secret), webhook_id: String(made.json?.webhook_id), read }
}

/** As if its pause were over. */
const due = (webhook_id: string) =>
  sql(
    'update mcp_data.webhook_messages set next_attempt_at = now() where webhook_id = $1 and next_attempt_at is not null',
    [webhook_id],
  )

// What other tests have left would be sent as well.
beforeEach(() => sql('delete from mcp_data.webhook_messages'))

describe('webhooks', () => {
  it('tell what happens, signed for the receiver, with ids and no person (Standard Webhooks)', async () => {
    const { server, place, secret, read } = await watched()
    const tokens = await connect(server)
    await runWebhooks(house.dependencies)
    const [request] = await requestsFor(place)
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request?.headers ?? {}
    const { messages } = await read()
    expect(messages).toMatchObject([{ type: 'connection.made', state: 'delivered', attempts: 1, seen: 'status 204' }])
    expect(id).toBe(messages[0]?.message_id)
    const [row] = await sql('select payload from mcp_data.webhook_messages where message_id = $1', [id])
    const key = Uint8Array.from(atob(secret.replace('whsec_', '')), (character) => character.charCodeAt(0))
    const payload = row?.payload as { type: string; data: Record<string, unknown> }
    const mac = await hmac(key, `${String(id)}.${String(timestamp)}.${JSON.stringify(payload)}`)
    expect(signature).toBe(`v1,${btoa(String.fromCharCode(...mac))}`)
    expect(payload.data).toMatchObject({ server_id: server.server_id, client_id: 'client_claude_code' })
    expect(JSON.stringify(payload)).not.toContain(tokens.visitor.email)
  })

  it('tell of suspected theft and of the end that follows', async () => {
    const { server, read } = await watched(['theft.suspected', 'connection.revoked'])
    const tokens = await connect(server)
    const { json } = await refresh(tokens.refresh_token)
    await refresh(String(json?.refresh_token))
    await refresh(tokens.refresh_token)
    expect((await read()).messages.map(({ type }) => type).toSorted()).toEqual([
      'connection.revoked',
      'theft.suspected',
    ])
  })

  it('try again with growing pauses, tell what was seen, and give up after eight', async () => {
    const { server, place, webhook_id, read } = await watched(['connection.made'])
    await host(place, { status: 500 })
    await connect(server)
    await runWebhooks(house.dependencies)
    expect((await read()).messages).toMatchObject([{ state: 'waiting', attempts: 1, seen: 'status 500' }])
    await runWebhooks(house.dependencies)
    expect(await requestsFor(place)).toHaveLength(1)
    for (let count = 0; count < 7; count += 1) {
      await due(webhook_id)
      await runWebhooks(house.dependencies)
    }
    expect((await read()).messages).toMatchObject([{ state: 'given_up', attempts: 8 }])
    await runWebhooks(house.dependencies)
    expect(await requestsFor(place)).toHaveLength(8)
  })

  it('M8 reach one receiver in one run, however many there are: a budget of ours is no failure of the receiver', async () => {
    const usual = openHouse({ variables: { DOCUMENTS_ALLOW_LOOPBACK: 'on' } })
    const { place, webhook_id } = await watched(['connection.made'])
    const payload = { type: 'connection.made' }
    const text =
      'insert into mcp_data.webhook_messages (webhook_id, payload) select $1, $2 from generate_series(1, 120)'
    await sql(text, [webhook_id, payload])
    await runWebhooks(usual.dependencies)
    expect(await requestsFor(place)).toHaveLength(120)
    const open = 'select from mcp_data.webhook_messages where webhook_id = $1 and delivered_at is null'
    expect(await sql(open, [webhook_id])).toEqual([])
    expect(usual.lines.at(-1)).toMatchObject({ job: 'webhooks', rows: { delivered: 120 }, database_calls: 123 })
  })

  it('are sent to three hosts at once, for a Worker may wait for six connections (Cloudflare, Limits)', async () => {
    const { server } = await watched(['connection.made'])
    for (let count = 0; count < 4; count += 1) {
      const url = hostUrl(`/hooks/${crypto.randomUUID()}`)
      await send('POST', path(server), server.management_token, { url, events: ['connection.made'] })
    }
    await connect(server)
    const underWay: number[] = []
    let now = 0
    const callWebhook = async () => {
      now += 1
      underWay.push(now)
      await new Promise((resolve) => setTimeout(resolve, 1))
      now -= 1
      return { outcome: 'unavailable', told: 'no answer' } as const
    }
    await runWebhooks({ ...house.dependencies, callWebhook })
    expect([underWay.length, Math.max(...underWay)]).toEqual([5, 3])
  })

  it('send a message again under the same id', async () => {
    const { server, place, webhook_id, read } = await watched(['connection.made'])
    await connect(server)
    await runWebhooks(house.dependencies)
    const [message] = (await read()).messages
    const again = path(server, `/${webhook_id}/messages/${message?.message_id}`)
    expect((await send('POST', again, server.management_token)).status).toBe(202)
    await runWebhooks(house.dependencies)
    const ids = (await requestsFor(place)).map(({ headers }) => headers['webhook-id'])
    expect(ids).toEqual([message?.message_id, message?.message_id])
  })

  it('E4 follow no redirect, and J12 call nothing that strangers’ documents may not be at', async () => {
    const { server, place, read } = await watched(['connection.made'])
    await host(place, { status: 302, headers: { location: hostUrl('/secret') } })
    await connect(server)
    await runWebhooks(house.dependencies)
    expect((await read()).messages).toMatchObject([{ state: 'waiting', seen: 'status 302' }])
    expect(await requestsFor('/secret')).toEqual([])
    for (const url of [
      'http://10.0.0.1/x',
      'https://localhost.internal/x',
      house.issuer,
      'https://host:8443/x',
      'ftp://a.example/x',
    ]) {
      expect([url, (await send('POST', path(server), server.management_token, { url })).status]).toEqual([url, 400])
    }
    // The Worker of the others does not call loopback at all.
    const { status } = await callApi('POST', path(server), server.management_token, { url: hostUrl('/x') })
    expect(status).toBe(400)
  })

  it('J24 are five a server at most; J7 unknown events and members are refused', async () => {
    const { server, place } = await watched()
    const make = (body: object) => send('POST', path(server), server.management_token, { url: hostUrl(place), ...body })
    expect((await make({ events: ['everything'] })).status).toBe(400)
    expect((await make({ secret: 'mine' })).status).toBe(400)
    const statuses: number[] = []
    for (let count = 0; count < 5; count += 1) statuses.push((await make({})).status)
    expect(statuses).toEqual([201, 201, 201, 201, 409])
  })

  it('J4 are the owner’s alone, and end when they are deleted', async () => {
    const { server, webhook_id } = await watched()
    const stranger = await registerManaged()
    for (const [method, rest] of [
      ['GET', ''],
      ['DELETE', `/${webhook_id}`],
      ['POST', `/${webhook_id}/messages/msg_${'0'.repeat(32)}`],
    ] as const)
      expect((await send(method, path(server, rest), stranger.token)).status).toBe(404)
    expect((await send('DELETE', path(stranger, `/${webhook_id}`), stranger.token)).status).toBe(404)
    expect((await send('DELETE', path(server, `/${webhook_id}`), server.management_token)).status).toBe(204)
    expect((await send('GET', path(server), server.management_token)).json).toEqual({ webhooks: [] })
  })

  it('tell a week ahead that a key ends, once', async () => {
    const { server, read } = await watched(['key.expiring'])
    await send('POST', `/api/servers/${server.server_id}/keys`, server.management_token, {
      name: 'short',
      expires_in: 3600,
    })
    await runKeyNotices(house.dependencies)
    await runKeyNotices(house.dependencies)
    expect((await read()).messages.map(({ type }) => type)).toEqual(['key.expiring'])
  })
})
