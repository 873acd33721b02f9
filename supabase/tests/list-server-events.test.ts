import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, type Server } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { metadataClient, request } from './support/values.ts'

const database = await testDatabase()
type Found = { events: Record<string, unknown>[]; next?: string }
const list = async (server: Server, changes: Record<string, unknown> = {}) =>
  (await database.call('list_server_events', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_filter: {},
    p_before: null,
    p_limit: 50,
    ...changes,
  })) as Found & { outcome: string }

test('found: newest first, with reason and reference, and nothing of where a person was (SECURITY §28)', async () => {
  const server = await addServer(database)
  const { key_id } = await addKey(database, server)
  await connect(database, await newPerson(database), server)
  const { events } = await list(server)
  expect(events.map(({ event }) => event).slice(0, 3)).toEqual([
    'authorization_code.redeemed',
    'consent.granted',
    'key.created',
  ])
  // These two are of one moment.
  expect(
    events
      .map(({ event }) => event)
      .slice(3)
      .toSorted(),
  ).toEqual(['server.registered', 'server.verified'])
  expect(events[2]).toMatchObject({ detail: { key_id }, reference: request.request_id })
  const text = JSON.stringify(events)
  for (const secret of [request.ip, 'user_agent', 'account_id']) expect(text).not.toContain(secret)
})

test('found: only what is asked for, by event, client, connection, transaction and reference', async () => {
  const server = await addServer(database)
  const connection_id = await connect(database, await newPerson(database), server)
  const named = async (p_filter: Record<string, string>) =>
    (await list(server, { p_filter })).events.map(({ event }) => event)
  expect(await named({ event: 'server.verified' })).toEqual(['server.verified'])
  expect(await named({ client_id: metadataClient.client_id })).toEqual([
    'authorization_code.redeemed',
    'consent.granted',
  ])
  expect(await named({ connection_id })).toEqual(['authorization_code.redeemed', 'consent.granted'])
  const [granted] = (await list(server, { p_filter: { event: 'consent.granted' } })).events
  expect(await named({ transaction_id: String(granted?.transaction_id) })).toEqual(['consent.granted'])
  expect(await named({ reference: 'req_other' })).toEqual([])
})

test('found: page after page, each event once, also of one moment', async () => {
  const server = await addServer(database)
  for (let count = 0; count < 4; count += 1) await addKey(database, server)
  const seen: unknown[] = []
  let before: string | undefined
  do {
    const page = await list(server, { p_before: before ?? null, p_limit: 2 })
    seen.push(...page.events.map(({ event_id }) => event_id))
    before = page.next
  } while (before !== undefined)
  expect(new Set(seen).size).toBe(6)
  expect(seen).toHaveLength(6)
})

test('J3 not_found, scope_missing, caller_unknown and sign_in', async () => {
  const { server, owner } = await ownedServer(database)
  expect(await list(server, { p_caller: (await addServer(database)).caller })).toEqual({ outcome: 'not_found' })
  const p_caller = await ownerCaller(database, owner, ['servers:write'])
  expect(await list(server, { p_caller })).toEqual({ outcome: 'scope_missing', scope: 'servers:read' })
  for (const [, stranger] of strangers)
    expect(await list(server, { p_caller: stranger })).toEqual({ outcome: 'caller_unknown' })
  expect(await list(server, { p_caller: sessionCaller({ cookie: '', session: '' }) })).toEqual({ outcome: 'sign_in' })
})
