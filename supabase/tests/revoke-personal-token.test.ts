import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, personalCaller, sessionCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { request } from './support/values.ts'

const database = await testDatabase()
const revoke = (p_token_id: string, p_caller: unknown) =>
  database.call('revoke_personal_token', { p_token_id, p_caller, p_request: request })

test('J19 revoked: it ends at its next use; twice is fine and one event', async () => {
  const person = await newPerson(database)
  const caller = await personalCaller(database, person)
  expect(await revoke(caller.token_id, sessionCaller(person))).toEqual({ outcome: 'revoked' })
  expect(await revoke(caller.token_id, sessionCaller(person))).toEqual({ outcome: 'revoked' })
  expect(await database.call('list_servers', { p_caller: caller })).toEqual({ outcome: 'caller_unknown' })
  expect((await database.events()).filter((event) => event === 'personal_token.revoked')).toHaveLength(1)
})

test('revoked: whoever finds one can end it, whatever its scopes', async () => {
  const caller = await personalCaller(database, await newPerson(database), { scopes: ['servers:read'] })
  expect(await revoke(caller.token_id, caller)).toEqual({ outcome: 'revoked' })
})

test('not_found: another person’s, and one that never was', async () => {
  const theirs = await personalCaller(database, await newPerson(database))
  const session = sessionCaller(await newPerson(database))
  expect(await revoke(theirs.token_id, session)).toEqual({ outcome: 'not_found' })
  expect(await revoke('tok_000000000000', session)).toEqual({ outcome: 'not_found' })
  expect(await database.call('list_servers', { p_caller: theirs })).toMatchObject({ outcome: 'found' })
})

test('scope_missing, caller_unknown and sign_in', async () => {
  const person = await newPerson(database)
  const { token_id } = await personalCaller(database, person)
  const owner = await ownerCaller(database, person, ['servers:read'])
  expect(await revoke(token_id, owner)).toEqual({ outcome: 'scope_missing', scope: 'keys:write' })
  for (const [, caller] of strangers) expect(await revoke(token_id, caller)).toEqual({ outcome: 'caller_unknown' })
  expect(await revoke(token_id, (await addServer(database)).caller)).toEqual({ outcome: 'caller_unknown' })
  expect(await revoke(token_id, sessionCaller({ cookie: 'c', session: 'none' }))).toEqual({ outcome: 'sign_in' })
})
