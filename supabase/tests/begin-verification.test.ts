import { expect, test } from 'vitest'
import { addServer, newPerson, open } from './support/builders.ts'
import { ownerCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { serverId } from './support/values.ts'

const database = await testDatabase()
const pending = (server_url?: string) => addServer(database, server_url === undefined ? {} : { server_url }, 'pending')
const begin = (
  p_server_id: string | null,
  p_caller: Record<string, unknown> | null,
  p_server_url: string | null = null,
) => database.call('begin_verification', { p_server_id, p_server_url, p_caller })

test('due and too_soon: an owner may try once a minute', async () => {
  const server = await pending()
  expect(await begin(server.server_id, server.caller)).toEqual({ outcome: 'due', server_url: server.server_url })
  expect(await begin(server.server_id, server.caller)).toMatchObject({ outcome: 'too_soon' })
  await database.passTime(61)
  expect(await begin(server.server_id, server.caller)).toMatchObject({ outcome: 'due' })
})

test('too_soon: an authorization counts for everybody who waits for the URL', async () => {
  const server = await pending()
  await pending(server.server_url)
  expect(await begin(null, null, server.server_url)).toMatchObject({ outcome: 'due' })
  expect(await begin(null, null, server.server_url)).toMatchObject({ outcome: 'too_soon' })
})

test('verified: nothing is left to prove', async () => {
  const server = await addServer(database)
  expect(await begin(server.server_id, server.caller)).toMatchObject({
    outcome: 'verified',
    server: { server_id: server.server_id },
  })
  expect(await begin(null, null, server.server_url)).toEqual({ outcome: 'not_found' })
})

test('suspended: what an operator suspended is not proven back', async () => {
  const server = await pending()
  await database.query(
    "update mcp_data.servers set status = 'suspended', suspended_reason = 'operator' where server_id = $1",
    [server.server_id],
  )
  expect(await begin(server.server_id, server.caller)).toEqual({ outcome: 'suspended' })
})

test('J3 not_found: an invented server, and another owner’s', async () => {
  const server = await pending()
  const stranger = await ownerCaller(database, await newPerson(database))
  expect(await begin(serverId(), stranger)).toEqual({ outcome: 'not_found' })
  expect(await begin(server.server_id, stranger)).toEqual({ outcome: 'not_found' })
})

test.each(strangers)('caller_unknown: %s', async (_name, caller) => {
  const server = await pending()
  expect(await begin(server.server_id, caller)).toEqual({ outcome: 'caller_unknown' })
})

test('scope_missing: an owner’s token without servers:write', async () => {
  const server = await pending()
  const reader = await ownerCaller(database, await newPerson(database), ['servers:read'])
  expect(await begin(server.server_id, reader)).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
})

test('J8 an authorization for an unproven server names the URL to be tried', async () => {
  const server = await pending()
  expect(await open(database, await newPerson(database), { resource: server.server_url })).toMatchObject({
    outcome: 'invalid_target',
    reason: 'resource_unverified',
    server_url: server.server_url,
  })
})
