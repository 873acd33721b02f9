import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { ownerCaller, strangers } from './support/callers.ts'
import { introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { keyId } from './support/values.ts'

const database = await testDatabase()
const revoke = (p_server_id: string, p_key_id: string, p_caller: Record<string, unknown> | null) =>
  database.call('revoke_key', { p_server_id, p_key_id, p_caller })

test('H7 revoked: effective on the next introspection, and idempotent', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  expect(await revoke(server.server_id, key.key_id, server.caller)).toEqual({ outcome: 'revoked' })
  expect(await introspect(database, key, server, null)).toEqual({ outcome: 'key_refused', reason: 'key_revoked' })
  expect(await revoke(server.server_id, key.key_id, server.caller)).toEqual({ outcome: 'revoked' })
  expect((await database.events()).filter((event) => event === 'key.revoked')).toHaveLength(1)
})

test("J4 not_found: another's server, or another's key through one's own server; nothing is revoked", async () => {
  const [mine, other] = [await addServer(database), await addServer(database)]
  const key = await addKey(database, other)
  expect(await revoke(other.server_id, key.key_id, mine.caller)).toEqual({ outcome: 'not_found' })
  expect(await revoke(mine.server_id, key.key_id, mine.caller)).toEqual({ outcome: 'not_found' })
  expect(await revoke(mine.server_id, keyId(), mine.caller)).toEqual({ outcome: 'not_found' })
  expect(await introspect(database, key, other, null)).toMatchObject({ outcome: 'inactive' })
})

test('caller_unknown and scope_missing', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  for (const [, caller] of strangers)
    expect(await revoke(server.server_id, key.key_id, caller)).toEqual({ outcome: 'caller_unknown' })
  const caller = await ownerCaller(database, await newPerson(database), ['servers:write'])
  expect(await revoke(server.server_id, key.key_id, caller)).toEqual({ outcome: 'scope_missing', scope: 'keys:write' })
})
