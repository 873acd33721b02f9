import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { catalogue, serverId } from './support/values.ts'

const database = await testDatabase()
const read = (p_server_id: string, p_caller: Record<string, unknown> | null = null) =>
  database.call('read_server', { p_server_id, p_caller })
const server = await addServer(database, { description: 'All files' })
const publicFacts = {
  outcome: 'found',
  public: true,
  server: {
    server_id: server.server_id,
    server_url: server.server_url,
    server_name: 'Files',
    scopes: catalogue,
    status: 'verified',
  },
}

test('found: everything for the bearer of the management token', async () => {
  const answer = await read(server.server_id, server.caller)
  expect(answer).toMatchObject({
    outcome: 'found',
    server: { description: 'All files', share_email: true, owner: false },
  })
  expect(answer).not.toHaveProperty('public')
})

test('found: only public facts for anybody else, also for another owner (J3)', async () => {
  expect(await read(server.server_id)).toEqual(publicFacts)
  expect(await read(server.server_id, (await addServer(database)).caller)).toEqual(publicFacts)
  expect(await read(server.server_id, await ownerCaller(database, await newPerson(database)))).toEqual(publicFacts)
})

test('not_found: unknown, and deleted', async () => {
  expect(await read(serverId())).toEqual({ outcome: 'not_found' })
  const gone = await addServer(database)
  await database.call('delete_server', { p_server_id: gone.server_id, p_caller: gone.caller })
  expect(await read(gone.server_id)).toEqual({ outcome: 'not_found' })
})

test('caller_unknown and scope_missing: a bad credential is said so, not ignored', async () => {
  for (const [, caller] of strangers.slice(1))
    expect(await read(server.server_id, caller)).toEqual({ outcome: 'caller_unknown' })
  const caller = await ownerCaller(database, await newPerson(database), ['keys:write'])
  expect(await read(server.server_id, caller)).toEqual({ outcome: 'scope_missing', scope: 'servers:read' })
})

test('found: who looks at our own page; a stranger’s session is told nothing but public facts', async () => {
  const { server: own, owner, caller } = await ownedServer(database)
  expect(await read(own.server_id, caller)).toMatchObject({ viewer_email: owner.email })
  expect(await read(own.server_id, await ownerCaller(database, owner))).not.toHaveProperty('viewer_email')
  expect(await read(server.server_id, sessionCaller(owner))).toEqual(publicFacts)
})
