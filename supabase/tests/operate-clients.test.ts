import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, open } from './support/builders.ts'
import { connect, introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { eventsOf, operate } from './support/operator.ts'
import { metadataClient } from './support/values.ts'

const database = await testDatabase()
const client = { client_id: 'client_desk', client_name: 'Desk', redirect_uris: ['http://localhost/callback'] }

test('added, exists, listed: a client by hand is known at once', async () => {
  expect(await operate(database, 'add_client', client)).toMatchObject({ outcome: 'added', client })
  expect(await operate(database, 'add_client', client)).toEqual({ outcome: 'exists' })
  expect(await database.call('get_client', { p_client_id: 'client_desk' })).toMatchObject({ outcome: 'found' })
  const { clients } = await operate(database, 'list_clients')
  expect(clients).toContainEqual(expect.objectContaining(client))
  expect(await eventsOf(database, 'operator.client_added')).toMatchObject([
    { client_id: 'client_desk', detail: { client_name: 'Desk', redirect_uris: client.redirect_uris } },
  ])
})

test('M12 blocked, already_blocked: a client without a row stops at its next request, and lifting it brings all back', async () => {
  const person = await newPerson(database)
  const server = await addServer(database)
  const key = await addKey(database, server)
  const connection_id = await connect(database, person, server)
  const { client_id } = metadataClient
  const block = () => operate(database, 'block_client', { client_id, reason: 'phishing' })
  expect(await block()).toEqual({ outcome: 'blocked', connections: 1 })
  expect(await block()).toEqual({ outcome: 'already_blocked' })
  expect(await introspect(database, key, server, connection_id)).toMatchObject({ outcome: 'inactive' })
  expect(await open(database, person, { resource: server.server_url })).toMatchObject({ outcome: 'client_blocked' })
  expect((await operate(database, 'list_clients')).blocked).toMatchObject([{ reason: 'phishing' }])
  expect(await eventsOf(database, 'operator.client_blocked')).toMatchObject([{ client_id, reason: 'phishing' }])
  expect(await operate(database, 'unblock_client', { client_id, reason: 'mended' })).toEqual({ outcome: 'unblocked' })
  expect(await introspect(database, key, server, connection_id)).toMatchObject({ outcome: 'active' })
  expect(await eventsOf(database, 'operator.client_unblocked')).toMatchObject([{ client_id, reason: 'mended' }])
})

test('M12 blocked, unblocked, not_blocked: a pre-registered client, also one that was blocked by hand', async () => {
  const known = () => database.call('get_client', { p_client_id: 'client_claude_code' })
  const args = { client_id: 'client_claude_code', reason: 'leak' }
  expect(await operate(database, 'unblock_client', args)).toEqual({ outcome: 'not_blocked' })
  expect(await operate(database, 'block_client', args)).toMatchObject({ outcome: 'blocked' })
  expect(await known()).toEqual({ outcome: 'blocked' })
  const { clients } = await operate(database, 'list_clients')
  expect(clients).toContainEqual(expect.objectContaining({ client_id: 'client_claude_code', blocked_reason: 'leak' }))
  await operate(database, 'unblock_client', args)
  expect(await known()).toMatchObject({ outcome: 'found' })
  await database.query(
    "update mcp_data.clients set blocked_at = now(), blocked_reason = 'by hand' where client_id = 'client_claude_code'",
  )
  expect(await operate(database, 'block_client', args)).toEqual({ outcome: 'already_blocked' })
  expect(await operate(database, 'unblock_client', args)).toEqual({ outcome: 'unblocked' })
  expect(await known()).toMatchObject({ outcome: 'found' })
})
