import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, open } from './support/builders.ts'
import { ownerCaller, strangers } from './support/callers.ts'
import { connect, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { serverId } from './support/values.ts'

const database = await testDatabase()
const remove = (p_server_id: string, p_caller: Record<string, unknown> | null) =>
  database.call('delete_server', { p_server_id, p_caller })

test('deleted: keys, management token and connections die at once', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  const person = await newPerson(database)
  const connectionId = await connect(database, person, server)
  expect(await remove(server.server_id, server.caller)).toEqual({ outcome: 'deleted' })
  expect(await introspect(database, key, server, connectionId)).toEqual({
    outcome: 'key_refused',
    reason: 'key_revoked',
  })
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'connection_revoked' })
  expect(await remove(server.server_id, server.caller)).toEqual({ outcome: 'caller_unknown' })
})

test('J25 the same URL registered again inherits nothing', async () => {
  const server = await addServer(database)
  const person = await newPerson(database)
  const authorization = { resource: server.server_url, scope: ['files:read'], redirect_trust: 'proven' }
  const connectionId = await connect(database, person, server, authorization)
  expect(await open(database, person, authorization)).toMatchObject({ outcome: 'approved' })
  await remove(server.server_id, server.caller)
  const again = await addServer(database, { server_url: server.server_url })
  expect(again.server_id).not.toBe(server.server_id)
  expect(await open(database, person, authorization)).toMatchObject({ outcome: 'consent' })
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'connection_revoked' })
  const rows = await database.query('select status from mcp_data.servers where server_url = $1 order by status', [
    server.server_url,
  ])
  expect(rows).toEqual([{ status: 'deleted' }, { status: 'verified' }])
})

test("J3 not_found: another owner's server, an unknown one, a deleted one", async () => {
  const server = await addServer(database)
  const owner = await ownerCaller(database, await newPerson(database))
  expect(await remove(server.server_id, owner)).toEqual({ outcome: 'not_found' })
  expect(await remove(server.server_id, (await addServer(database)).caller)).toEqual({ outcome: 'not_found' })
  expect(await remove(serverId(), owner)).toEqual({ outcome: 'not_found' })
})

test('caller_unknown and scope_missing', async () => {
  const server = await addServer(database)
  for (const [, caller] of strangers)
    expect(await remove(server.server_id, caller)).toEqual({ outcome: 'caller_unknown' })
  const caller = await ownerCaller(database, await newPerson(database), ['servers:read', 'keys:write'])
  expect(await remove(server.server_id, caller)).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
})
