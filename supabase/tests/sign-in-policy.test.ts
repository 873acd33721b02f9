import { expect, test } from 'vitest'
import { addServer, decide, newBrowser, newPerson, open, type Person, type Server } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { readTransaction } from './support/pages.ts'
import { addPasskey, ageSignIn, verifyPasskey } from './support/passkeys.ts'

const database = await testDatabase()
const strict = await addServer(database, { requires_passkey: true })
const fresh = await addServer(database, { sign_in_max_age_seconds: 900 })

const ask = (person: Person, server: Server) => open(database, person, { resource: server.server_url })

test('B33 a server that asks for a passkey: a session by code is sent to sign in, one by passkey is not', async () => {
  const person = await newPerson(database)
  const passkey = await addPasskey(database, person)
  const transaction = await ask(person, strict)
  expect(transaction).toMatchObject({ outcome: 'sign_in', transaction: { server: { requires_passkey: true } } })
  expect(await readTransaction(database, person, transaction.id)).toMatchObject({ outcome: 'sign_in' })
  const browser = newBrowser()
  const strong = await open(database, browser, { resource: strict.server_url })
  await verifyPasskey(database, browser, strong.id, passkey)
  expect(await readTransaction(database, browser, strong.id)).toMatchObject({ outcome: 'consent' })
  expect(await decide(database, browser, strong.id)).toMatchObject({ outcome: 'approved' })
  expect(await open(database, browser, { resource: strict.server_url })).toMatchObject({ outcome: 'consent' })
})

test('B33 a server that asks for a fresh sign-in: sixteen minutes are too many for fifteen', async () => {
  const person = await newPerson(database)
  expect(await ask(person, fresh)).toMatchObject({ outcome: 'consent' })
  await ageSignIn(database, person)
  const transaction = await ask(person, fresh)
  expect(transaction).toMatchObject({ outcome: 'sign_in' })
  expect(await readTransaction(database, person, transaction.id)).toMatchObject({ outcome: 'sign_in' })
  expect(await ask(person, await addServer(database))).toMatchObject({ outcome: 'consent' })
})

test('B33 what the owner has asked for meanwhile counts at the decision: no code', async () => {
  const person = await newPerson(database)
  const server = await addServer(database)
  const transaction = await ask(person, server)
  expect(transaction).toMatchObject({ outcome: 'consent' })
  await database.call('update_server', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_changes: { requires_passkey: true, sign_in_max_age_seconds: 900 },
  })
  expect(await decide(database, person, transaction.id)).toMatchObject({ outcome: 'sign_in' })
  const changes = { requires_passkey: false, sign_in_max_age_seconds: null }
  const answer = await database.call('update_server', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_changes: changes,
  })
  expect(answer).toMatchObject({ outcome: 'updated', server: { requires_passkey: false } })
  expect(await decide(database, person, transaction.id)).toMatchObject({ outcome: 'approved' })
})

test('B33 A33 prompt=none: what would need a sign-in is told, and remembered consent does not go before it', async () => {
  const person = await newPerson(database)
  const proven = { resource: strict.server_url, redirect_trust: 'proven', prompt: ['none'] }
  expect(await open(database, person, proven)).toMatchObject({ outcome: 'sign_in' })
})
