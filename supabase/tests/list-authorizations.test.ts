import { expect, test } from 'vitest'
import {
  addKey,
  addServer,
  decide,
  newBrowser,
  newPerson,
  open,
  type Server,
  sendCode,
  verifyCode,
} from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { approve, connect, exchange, introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { newEmail, request } from './support/values.ts'

const database = await testDatabase()
type Authorization = Record<string, unknown> & { steps: Record<string, unknown>[] }
const list = async (server: Server, changes: Record<string, unknown> = {}) =>
  (await database.call('list_authorizations', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_before: null,
    p_limit: 20,
    ...changes,
  })) as { outcome: string; authorizations: Authorization[]; next?: string }
const newest = async (server: Server) => (await list(server)).authorizations[0]

test('found: from the first page to the last refusal, with reason and the reference that was seen', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  const browser = newBrowser()
  const transaction = await open(database, browser, { resource: server.server_url })
  expect(await newest(server)).toMatchObject({
    state: 'waiting',
    transaction_id: transaction.id,
    client_name: 'App',
    steps: [],
  })
  await sendCode(database, browser, transaction.id, newEmail())
  await verifyCode(database, browser, transaction.id)
  expect(await newest(server)).toMatchObject({ state: 'signed_in' })
  const { connection_id } = await decide(database, browser, transaction.id)
  expect(await newest(server)).toMatchObject({ state: 'approved', connection_id, transaction_id: transaction.id })
  await exchange(database, connection_id)
  const connected = await newest(server)
  expect(connected).toMatchObject({ state: 'connected' })
  expect(connected?.steps.map(({ event }) => event)).toEqual([
    'code.sent',
    'session.created',
    'consent.granted',
    'authorization_code.redeemed',
  ])
  expect(connected).not.toHaveProperty('last_refusal')
  await database.query(
    "update mcp_data.connections set revoked_at = now(), revoked_reason = 'x' where connection_id = $1",
    [connection_id],
  )
  await introspect(database, key, server, connection_id)
  expect(await newest(server)).toMatchObject({
    state: 'ended',
    last_refusal: { step: 'introspection', reason: 'connection_revoked', reference: request.request_id },
  })
})

test('found: where it stopped: denied, abandoned, a code that nobody redeemed, a code that was refused', async () => {
  const server = await addServer(database)
  const person = await newPerson(database)
  const denied = await open(database, person, { resource: server.server_url })
  await decide(database, person, denied.id, { p_decision: 'deny' })
  expect(await newest(server)).toMatchObject({ state: 'denied', steps: [{ event: 'consent.denied' }] })
  const left = await open(database, newBrowser(), { resource: server.server_url })
  await database.query(
    "update mcp_data.transactions set expires_at = created_at + interval '1 microsecond' where transaction_id = $1",
    [left.id],
  )
  expect(await newest(server)).toMatchObject({ state: 'abandoned' })
  const code = await approve(database, person, server)
  await exchange(database, code, { p_redirect_uri: 'https://app.example/other' })
  expect(await newest(server)).toMatchObject({ last_refusal: { step: 'token', reason: 'redirect_uri_mismatch' } })
  await database.query(
    "update mcp_data.connections set code_expires_at = created_at + interval '1 microsecond' where connection_id = $1",
    [code],
  )
  expect(await newest(server)).toMatchObject({ state: 'code_not_redeemed' })
})

test('the last refusal is written at most once a minute, and an expired token is none', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  const connectionId = await connect(database, await newPerson(database), server)
  await introspect(database, key, server, connectionId, { p_expires_at_seconds: 1 })
  expect(await newest(server)).not.toHaveProperty('last_refusal')
  await introspect(database, key, server, connectionId, { p_epoch: 7 })
  const [before] = await database.query('select xmin::text from mcp_data.connections where connection_id = $1', [
    connectionId,
  ])
  await introspect(database, key, server, connectionId, { p_epoch: 8 })
  const [after] = await database.query('select xmin::text from mcp_data.connections where connection_id = $1', [
    connectionId,
  ])
  expect(after).toEqual(before)
  expect(await newest(server)).toMatchObject({ last_refusal: { reason: 'epoch_mismatch' } })
})

test('found: page after page, each once', async () => {
  const server = await addServer(database)
  const person = await newPerson(database)
  for (let count = 0; count < 3; count += 1) {
    await open(database, newBrowser(), { resource: server.server_url })
    await connect(database, person, server)
  }
  const seen: unknown[] = []
  let before: string | undefined
  do {
    const page = await list(server, { p_before: before ?? null, p_limit: 2 })
    seen.push(...page.authorizations.map(({ connection_id, transaction_id }) => connection_id ?? transaction_id))
    before = page.next
  } while (before !== undefined)
  expect(seen).toHaveLength(6)
  expect(new Set(seen).size).toBe(6)
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

test('found: only what gave somebody this reference: on a page, or with the last refusal of its tokens', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  const person = await newPerson(database)
  const found = async (p_reference: string) => (await list(server, { p_reference })).authorizations
  const denied = await open(database, person, { resource: server.server_url })
  const seen = { ...request, request_id: 'req_denied' }
  await decide(database, person, denied.id, { p_decision: 'deny', p_request: { ...seen, transaction_id: denied.id } })
  await connect(database, person, server)
  expect(await found('req_denied')).toMatchObject([{ state: 'denied', transaction_id: denied.id }])
  const connectionId = await connect(database, person, server)
  await database.query(
    "update mcp_data.connections set revoked_at = now(), revoked_reason = 'x' where connection_id = $1",
    [connectionId],
  )
  await introspect(database, key, server, connectionId, { p_request: { ...request, request_id: 'req_refused' } })
  expect(await found('req_refused')).toMatchObject([{ state: 'ended', connection_id: connectionId }])
  expect(await found('req_of_nothing')).toEqual([])
  const other = await addServer(database)
  expect((await list(other, { p_reference: 'req_denied' })).authorizations).toEqual([])
})
