import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { accept, offer, ownedServer } from './support/offers.ts'
import { serverId } from './support/values.ts'

const database = await testDatabase()

test('J2 accepted: a server registered in one’s name is one’s own only now, and its management token ends', async () => {
  const person = await newPerson(database)
  const server = await addServer(database, { user_id: person.account_id })
  const owner = await ownerCaller(database, person)
  expect(await database.call('list_servers', { p_caller: owner })).toEqual({ outcome: 'found', servers: [] })
  const answer = await accept(database, server.server_id, owner)
  expect(answer).toMatchObject({ outcome: 'accepted', server: { server_id: server.server_id, owner: true } })
  expect(answer).not.toHaveProperty('former')
  expect(await database.call('list_servers', { p_caller: owner })).toMatchObject({
    servers: [{ server_id: server.server_id }],
  })
  expect(await database.call('list_servers', { p_caller: server.caller })).toEqual({ outcome: 'caller_unknown' })
  expect(await database.events()).toContain('server.accepted')
})

test('J3 accepted: what is handed over by address is the former owner’s no more, who is told', async () => {
  const { server, owner, caller } = await ownedServer(database)
  const heir = await newPerson(database)
  await offer(database, server, heir.email, caller)
  const answer = await accept(database, server.server_id, sessionCaller(heir))
  expect(answer).toMatchObject({ outcome: 'accepted', former: { email: owner.email } })
  expect(await database.call('list_keys', { p_server_id: server.server_id, p_caller: caller })).toEqual({
    outcome: 'not_found',
  })
})

test('accepted: keys stay, so that the server goes on working, or end where the new owner asks for it', async () => {
  const person = await newPerson(database)
  for (const [p_revoke_keys, reason] of [
    [false, 'inactive'],
    [true, 'key_refused'],
  ]) {
    const server = await addServer(database, { user_id: person.account_id })
    const key = await addKey(database, server)
    await accept(database, server.server_id, sessionCaller(person), { p_revoke_keys })
    expect((await introspect(database, key, server, null)).outcome).toBe(reason)
  }
})

test('accepted by one of twenty calls at once', async () => {
  const person = await newPerson(database)
  const server = await addServer(database, { user_id: person.account_id })
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => accept(database, server.server_id, sessionCaller(person))),
  )
  expect(answers.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1)
  expect(answers.filter(({ outcome }) => outcome === 'not_found')).toHaveLength(19)
})

test('J24 limited: an account that holds as many as it may', async () => {
  const person = await newPerson(database)
  await ownedServer(database, {}, person)
  const server = await addServer(database, { user_id: person.account_id })
  const p_limits = { servers: 1, writes_per_hour: 60 }
  expect(await accept(database, server.server_id, sessionCaller(person), { p_limits })).toEqual({
    outcome: 'limited',
    reason: 'servers',
  })
})

test('J3 not_found: a stranger’s offer, one that was taken back, a deleted server, an invented id', async () => {
  const person = await newPerson(database)
  const stranger = sessionCaller(await newPerson(database))
  const server = await addServer(database, { user_id: person.account_id })
  expect(await accept(database, server.server_id, stranger)).toEqual({ outcome: 'not_found' })
  await offer(database, server, null)
  expect(await accept(database, server.server_id, sessionCaller(person))).toEqual({ outcome: 'not_found' })
  const deleted = await addServer(database, { user_id: person.account_id })
  await database.call('delete_server', { p_server_id: deleted.server_id, p_caller: deleted.caller })
  expect(await accept(database, deleted.server_id, sessionCaller(person))).toEqual({ outcome: 'not_found' })
  expect(await accept(database, serverId(), sessionCaller(person))).toEqual({ outcome: 'not_found' })
})

test('scope_missing, caller_unknown, sign_in and not_fresh', async () => {
  const person = await newPerson(database)
  const { server_id, caller } = await addServer(database, { user_id: person.account_id })
  const owner = await ownerCaller(database, person, ['servers:read'])
  expect(await accept(database, server_id, owner)).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
  for (const [, stranger] of strangers)
    expect(await accept(database, server_id, stranger)).toEqual({ outcome: 'caller_unknown' })
  expect(await accept(database, server_id, caller)).toEqual({ outcome: 'caller_unknown' })
  expect(await accept(database, server_id, sessionCaller({ cookie: '', session: 'none' }))).toEqual({
    outcome: 'sign_in',
  })
  await database.query("update mcp_data.sessions set auth_time = auth_time - interval '1 hour'")
  expect(await accept(database, server_id, sessionCaller(person, 900))).toEqual({ outcome: 'not_fresh' })
})
