import { expect, test } from 'vitest'
import { addServer } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { serverId } from './support/values.ts'

const database = await testDatabase()
const read = (p_server_id: string) => database.call('read_protected_resource', { p_server_id })

test('found: what RFC 9728 needs of a verified server', async () => {
  const server = await addServer(database)
  expect(await read(server.server_id)).toEqual({
    outcome: 'found',
    server_id: server.server_id,
    resource: server.server_url,
    server_name: 'Files',
    scopes: ['files:read', 'files:write', 'base'],
  })
})

test('J8 not_found: pending, suspended, deleted, unknown', async () => {
  const server = await addServer(database, {}, 'pending')
  expect(await read(server.server_id)).toEqual({ outcome: 'not_found' })
  for (const change of ["status = 'suspended'", "status = 'deleted', deleted_at = now()"]) {
    await database.query(`update mcp_data.servers set ${change} where server_id = '${server.server_id}'`)
    expect(await read(server.server_id)).toEqual({ outcome: 'not_found' })
  }
  expect(await read(serverId())).toEqual({ outcome: 'not_found' })
})
