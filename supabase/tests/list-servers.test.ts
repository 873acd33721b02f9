import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { allScopes, ownerCaller, strangers } from './support/callers.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { pagesOf } from './support/lists.ts'
import { ownedServer } from './support/offers.ts'
import { digest } from './support/values.ts'

const database = await testDatabase()
const list = (p_caller: Record<string, unknown> | null) => database.call('list_servers', { p_caller })

test("found: an owner's servers, newest first, without deleted ones", async () => {
  const person = await newPerson(database)
  const caller = await ownerCaller(database, person)
  const servers = []
  for (const name of ['a', 'b', 'c']) {
    servers.push(await addServer(database, { server_name: name }))
    await database.passTime(1)
  }
  await database.query('update mcp_data.servers set owner_account_id = $1', [person.account_id])
  await addServer(database)
  await database.call('delete_server', { p_server_id: servers[1]?.server_id, p_caller: caller })
  expect(await list(caller)).toMatchObject({ outcome: 'found', servers: [{ server_name: 'c' }, { server_name: 'a' }] })
})

test('found: one server for its management token', async () => {
  const server = await addServer(database)
  expect(await list(server.caller)).toMatchObject({ servers: [{ server_id: server.server_id }] })
})

test('caller_unknown: nobody, an invented or a revoked token', async () => {
  for (const [, caller] of strangers) expect(await list(caller)).toEqual({ outcome: 'caller_unknown' })
  const server = await addServer(database)
  expect(await list({ ...server.caller, digests: [digest('guess')] })).toEqual({ outcome: 'caller_unknown' })
  await database.query('update mcp_data.management_tokens set revoked_at = now() where server_id = $1', [
    server.server_id,
  ])
  expect(await list(server.caller)).toEqual({ outcome: 'caller_unknown' })
})

test('caller_unknown: an access token for another resource, of another epoch, of a dead connection', async () => {
  const person = await newPerson(database)
  const caller = await ownerCaller(database, person)
  const connection_id = await connect(database, person, await addServer(database))
  expect(await list({ kind: 'connection', connection_id, epoch: 1, scopes: allScopes })).toEqual({
    outcome: 'caller_unknown',
  })
  expect(await list({ ...caller, epoch: 2 })).toEqual({ outcome: 'caller_unknown' })
  await database.query('update mcp_data.accounts set disabled_at = now() where account_id = $1', [person.account_id])
  expect(await list(caller)).toEqual({ outcome: 'caller_unknown' })
})

test('scope_missing: the token or the grant lacks servers:read', async () => {
  const person = await newPerson(database)
  expect(await list(await ownerCaller(database, person, []))).toEqual({
    outcome: 'scope_missing',
    scope: 'servers:read',
  })
  const caller = await ownerCaller(database, person)
  await database.query("update mcp_data.connections set scopes = '{keys:write}' where connection_id = $1", [
    caller.connection_id,
  ])
  expect(await list(caller)).toEqual({ outcome: 'scope_missing', scope: 'servers:read' })
})

test('found: page by page, each server once, and who looks at our own page', async () => {
  const { owner, caller, server } = await ownedServer(database)
  const ids = [server.server_id]
  while (ids.length < 3) ids.unshift((await ownedServer(database, {}, owner)).server.server_id)
  expect(await pagesOf(database, 'list_servers', 'servers', 2, { p_caller: caller })).toEqual([
    ids.slice(0, 2),
    ids.slice(2),
  ])
  expect(await list(caller)).toMatchObject({ viewer_email: owner.email })
  expect(await list(await ownerCaller(database, owner))).not.toHaveProperty('viewer_email')
})
