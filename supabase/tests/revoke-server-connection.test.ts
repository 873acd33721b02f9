import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { connect, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { id, request } from './support/values.ts'

const database = await testDatabase()
const revoke = (p_server_id: string, p_connection_id: string, p_caller: unknown) =>
  database.call('revoke_server_connection', { p_server_id, p_connection_id, p_caller, p_request: request })

test('revoked: at the next introspection and refresh, twice is fine and one event', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  const connection_id = await connect(database, await newPerson(database), server)
  expect(await revoke(server.server_id, connection_id, server.caller)).toEqual({ outcome: 'revoked' })
  expect(await revoke(server.server_id, connection_id, server.caller)).toEqual({ outcome: 'revoked' })
  expect(await introspect(database, key, server, connection_id)).toMatchObject({ reason: 'connection_revoked' })
  expect(await refresh(database, connection_id, 1)).toEqual({ outcome: 'connection_revoked' })
  const events = await database.query('select event, reason from mcp_data.audit_events where connection_id = $1', [
    connection_id,
  ])
  expect(events.filter(({ event }) => event === 'connection.revoked')).toEqual([
    { event: 'connection.revoked', reason: 'owner' },
  ])
})

test('J4 not_found: a connection of another server, also through one’s own server id', async () => {
  const [mine, theirs] = [await addServer(database), await addServer(database)]
  const connection_id = await connect(database, await newPerson(database), theirs)
  expect(await revoke(mine.server_id, connection_id, mine.caller)).toEqual({ outcome: 'not_found' })
  expect(await revoke(theirs.server_id, connection_id, mine.caller)).toEqual({ outcome: 'not_found' })
  expect(await revoke(mine.server_id, id(), mine.caller)).toEqual({ outcome: 'not_found' })
  expect(await refresh(database, connection_id, 1)).toMatchObject({ outcome: 'rotated' })
})

test('scope_missing, caller_unknown and sign_in', async () => {
  const { server, owner } = await ownedServer(database)
  const reader = await ownerCaller(database, owner, ['servers:read'])
  expect(await revoke(server.server_id, id(), reader)).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
  for (const [, caller] of strangers)
    expect(await revoke(server.server_id, id(), caller)).toEqual({ outcome: 'caller_unknown' })
  expect(await revoke(server.server_id, id(), sessionCaller({ cookie: '', session: '' }))).toEqual({
    outcome: 'sign_in',
  })
})
