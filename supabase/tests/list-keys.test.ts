import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { ownerCaller, strangers } from './support/callers.ts'
import { introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { pagesOf } from './support/lists.ts'
import { serverId } from './support/values.ts'

const database = await testDatabase()
const list = (p_server_id: string, p_caller: Record<string, unknown> | null) =>
  database.call('list_keys', { p_server_id, p_caller })

test('J5 found: newest first, with last use and revocation, and no secret', async () => {
  const server = await addServer(database)
  const first = await addKey(database, server, { name: 'first' })
  await database.passTime(10)
  const second = await addKey(database, server, { name: 'second', expires_in_seconds: 60 })
  await introspect(database, first, server, null)
  await database.call('revoke_key', { p_server_id: server.server_id, p_key_id: second.key_id, p_caller: server.caller })
  const answer = await list(server.server_id, server.caller)
  const number = expect.any(Number)
  expect(answer).toEqual({
    outcome: 'found',
    keys: [
      {
        key_id: second.key_id,
        name: 'second',
        last_four: 'abcd',
        created_at_seconds: number,
        expires_at_seconds: number,
        revoked_at_seconds: number,
      },
      {
        key_id: first.key_id,
        name: 'first',
        last_four: 'abcd',
        created_at_seconds: number,
        last_used_at_seconds: number,
      },
    ],
  })
})

test('J3 not_found', async () => {
  const [mine, other] = [await addServer(database), await addServer(database)]
  expect(await list(other.server_id, mine.caller)).toEqual({ outcome: 'not_found' })
  expect(await list(serverId(), mine.caller)).toEqual({ outcome: 'not_found' })
})

test('caller_unknown and scope_missing', async () => {
  const server = await addServer(database)
  for (const [, caller] of strangers)
    expect(await list(server.server_id, caller)).toEqual({ outcome: 'caller_unknown' })
  const caller = await ownerCaller(database, await newPerson(database), ['keys:write'])
  expect(await list(server.server_id, caller)).toEqual({ outcome: 'scope_missing', scope: 'servers:read' })
})

test('found: page by page, each key once', async () => {
  const server = await addServer(database)
  const ids: string[] = []
  for (let count = 0; count < 5; count += 1) ids.unshift((await addKey(database, server)).key_id)
  expect(
    await pagesOf(database, 'list_keys', 'keys', 2, { p_server_id: server.server_id, p_caller: server.caller }),
  ).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)])
})
