import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, type Server } from './support/builders.ts'
import { connect, introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { eventsOf, operate } from './support/operator.ts'

const database = await testDatabase()
const named = (server: Server, more: Record<string, unknown> = {}) => ({ server: server.server_id, ...more })
const begin = (server: Server) =>
  database.call('begin_verification', { p_server_id: server.server_id, p_server_url: null, p_caller: server.caller })

test('M12 suspended, already_suspended: keys and connections end at once, and no new proof brings them back', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  const connection_id = await connect(database, await newPerson(database), server)
  const answer = await operate(database, 'suspend_server', named(server, { reason: 'malware' }))
  expect(answer).toMatchObject({ outcome: 'suspended', keys: 1, connections: 1, server: { status: 'suspended' } })
  expect(await introspect(database, key, server, connection_id)).not.toMatchObject({ outcome: 'active' })
  expect(await begin(server)).toEqual({ outcome: 'suspended' })
  expect(await operate(database, 'suspend_server', named(server))).toEqual({ outcome: 'already_suspended' })
  expect(await eventsOf(database, 'server.suspended')).toMatchObject([
    { server_id: server.server_id, reason: 'operator', detail: { why: 'malware' }, user_agent: 'ops by alice' },
  ])
})

test('resumed, not_suspended: the owner may prove the URL again', async () => {
  const server = await addServer(database)
  expect(await operate(database, 'resume_server', named(server))).toEqual({ outcome: 'not_suspended' })
  await operate(database, 'suspend_server', { server: server.server_url })
  expect(await operate(database, 'resume_server', named(server, { reason: 'cleaned' }))).toMatchObject({
    outcome: 'resumed',
    server: { status: 'pending' },
  })
  expect(await begin(server)).toMatchObject({ outcome: 'due' })
  expect(await eventsOf(database, 'operator.server_resumed')).toMatchObject([{ reason: 'cleaned' }])
})

test('transferred: the new account owns it, the old credentials end, its API keys where that is asked', async () => {
  const server = await addServer(database)
  const kept = await addKey(database, server)
  const person = await newPerson(database)
  const connection_id = await connect(database, person, server)
  const answer = await operate(database, 'transfer_server', named(server, { user: person.email, reason: 'ticket 9' }))
  expect(answer).toMatchObject({ outcome: 'transferred', server: { owner: true } })
  expect(await introspect(database, kept, server, connection_id)).toMatchObject({ outcome: 'active' })
  expect(
    await database.call('create_key', {
      p_server_id: server.server_id,
      p_caller: server.caller,
      p_key: {},
      p_limits: {},
    }),
  ).toMatchObject({ outcome: 'caller_unknown' })
  const other = await newPerson(database)
  const again = await operate(database, 'transfer_server', named(server, { user: other.account_id, keys: 'revoke' }))
  expect(again).toMatchObject({ outcome: 'transferred', from: person.account_id })
  expect(await introspect(database, kept, server, connection_id)).not.toMatchObject({ outcome: 'active' })
  expect(await eventsOf(database, 'server.transferred')).toMatchObject([
    { account_id: other.account_id, detail: { keys_revoked: true, former_account_id: person.account_id } },
    { account_id: person.account_id, detail: { keys_revoked: false }, reason: 'ticket 9' },
  ])
})

test('own_account, no_account, account_disabled, not_found: nothing changes', async () => {
  const server = await addServer(database)
  const person = await newPerson(database)
  const transfer = (user: string, target = server.server_id) =>
    operate(database, 'transfer_server', { server: target, user })
  await transfer(person.email)
  expect(await transfer(person.email)).toEqual({ outcome: 'own_account' })
  expect(await transfer('nobody@mail.example')).toEqual({ outcome: 'no_account' })
  expect(await transfer(person.email, 'srv_none')).toEqual({ outcome: 'not_found' })
  const disabled = await newPerson(database)
  await operate(database, 'disable_user', { user: disabled.email })
  expect(await transfer(disabled.email)).toEqual({ outcome: 'account_disabled' })
  expect(await operate(database, 'suspend_server', { server: 'srv_none' })).toEqual({ outcome: 'not_found' })
  expect(await operate(database, 'resume_server', { server: 'srv_none' })).toEqual({ outcome: 'not_found' })
})

test('not_found: a URL for which two registrations wait names neither', async () => {
  const server_url = 'https://contested.example/mcp'
  await addServer(database, { server_url }, 'pending')
  await addServer(database, { server_url }, 'pending')
  expect(await operate(database, 'suspend_server', { server: server_url })).toEqual({ outcome: 'not_found' })
})
