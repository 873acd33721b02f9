import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, open, type Server } from './support/builders.ts'
import { connect, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { request, serverId } from './support/values.ts'

const database = await testDatabase()
const pending = (server_url?: string) => addServer(database, server_url === undefined ? {} : { server_url }, 'pending')
const begin = ({ server_id, caller }: Server) =>
  database.call('begin_verification', { p_server_id: server_id, p_server_url: null, p_caller: caller })
const finish = ({ server_id, server_url }: Pick<Server, 'server_id' | 'server_url'>) =>
  database.call('finish_verification', { p_server_id: server_id, p_server_url: server_url, p_request: request })
const statusOf = async ({ server_id }: Server) =>
  (await database.query('select status from mcp_data.servers where server_id = $1', [server_id]))[0]?.status

test('J8 verified: from then on everybody may authorize', async () => {
  const server = await pending()
  const person = await newPerson(database)
  expect(await open(database, person, { resource: server.server_url })).toMatchObject({ outcome: 'invalid_target' })
  await begin(server)
  expect(await finish(server)).toMatchObject({ outcome: 'verified', server: { status: 'verified' } })
  expect(await open(database, person, { resource: server.server_url })).toMatchObject({ outcome: 'consent' })
  expect(await finish(server)).toMatchObject({ outcome: 'verified' })
})

test('J10 taken_over: the holder is suspended, its keys and connections end', async () => {
  const holder = await addServer(database)
  const key = await addKey(database, holder)
  const person = await newPerson(database)
  const connectionId = await connect(database, person, holder)
  const claimant = await pending(holder.server_url)
  await begin(claimant)
  expect(await finish(claimant)).toMatchObject({ outcome: 'taken_over', from: holder.server_id })
  expect([await statusOf(holder), await statusOf(claimant)]).toEqual(['suspended', 'verified'])
  expect(await introspect(database, key, holder, connectionId)).toMatchObject({
    outcome: 'key_refused',
    reason: 'key_revoked',
  })
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'connection_revoked' })
  expect(await database.events()).toEqual(expect.arrayContaining(['server.suspended', 'server.verified']))
})

test('J10 taken_over: whoever lost the URL may prove it again', async () => {
  const first = await addServer(database)
  const second = await pending(first.server_url)
  await begin(second)
  await finish(second)
  expect(await begin(first)).toMatchObject({ outcome: 'due' })
  expect(await finish(first)).toMatchObject({ outcome: 'taken_over', from: second.server_id })
})

test('holder_stands: a proof that was begun before the holder’s own', async () => {
  const slow = await pending()
  const quick = await pending(slow.server_url)
  await begin(slow)
  await begin(quick)
  expect(await finish(quick)).toMatchObject({ outcome: 'verified' })
  expect(await finish(slow)).toEqual({ outcome: 'holder_stands' })
  expect(await statusOf(quick)).toBe('verified')
})

test('J10 two claimants that finish at the same moment: one holds the URL', async () => {
  const claimants = [await pending()]
  for (let n = 1; n < 6; n++) claimants.push(await pending(claimants[0]?.server_url))
  for (const claimant of claimants) await begin(claimant)
  const answers = await Promise.all(claimants.map(finish))
  expect(answers.map(({ outcome }) => outcome).sort()).toEqual([
    ...Array.from({ length: 5 }, () => 'holder_stands'),
    'verified',
  ])
})

test('J9 J13 not_found: an id of another URL, an invented one, and one that never began', async () => {
  const server = await pending()
  expect(await finish(server)).toEqual({ outcome: 'not_found' })
  await begin(server)
  expect(await finish({ ...server, server_url: `${server.server_url}/b` })).toEqual({ outcome: 'not_found' })
  expect(await finish({ ...server, server_id: serverId() })).toEqual({ outcome: 'not_found' })
  expect(await statusOf(server)).toBe('pending')
})
