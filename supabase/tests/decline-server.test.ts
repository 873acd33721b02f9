import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { accept, offer, ownedServer } from './support/offers.ts'
import { request } from './support/values.ts'

const database = await testDatabase()
const decline = (p_server_id: string, p_caller: unknown) =>
  database.call('decline_server', { p_server_id, p_caller, p_request: request })

test('J2 declined: the offer is gone, and whoever registered goes on with the management token', async () => {
  const person = await newPerson(database)
  const server = await addServer(database, { user_id: person.account_id })
  expect(await decline(server.server_id, sessionCaller(person))).toEqual({ outcome: 'declined' })
  expect(await accept(database, server.server_id, sessionCaller(person))).toEqual({ outcome: 'not_found' })
  expect(await database.call('list_servers', { p_caller: server.caller })).toMatchObject({ outcome: 'found' })
  expect(await database.events()).toContain('server.declined')
})

test('declined: the owner who offered keeps the server', async () => {
  const { server, caller } = await ownedServer(database)
  const heir = await newPerson(database)
  await offer(database, server, heir.email, caller)
  expect(await decline(server.server_id, sessionCaller(heir))).toEqual({ outcome: 'declined' })
  const { server: seen } = await database.call('read_server', { p_server_id: server.server_id, p_caller: caller })
  expect(seen).not.toHaveProperty('offered_to')
})

test('not_found, scope_missing, caller_unknown and sign_in', async () => {
  const person = await newPerson(database)
  const { server_id } = await addServer(database, { user_id: person.account_id })
  expect(await decline(server_id, sessionCaller(await newPerson(database)))).toEqual({ outcome: 'not_found' })
  const owner = await ownerCaller(database, person, ['servers:read'])
  expect(await decline(server_id, owner)).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
  for (const [, caller] of strangers) expect(await decline(server_id, caller)).toEqual({ outcome: 'caller_unknown' })
  expect(await decline(server_id, sessionCaller({ cookie: '', session: 'none' }))).toEqual({ outcome: 'sign_in' })
})
