import { expect, test } from 'vitest'
import { addServer, type Browser, decide, newBrowser, newPerson, open } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { digest, request } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const asked = { resource: server.server_url }
const end = (browser: Browser, transactionId: string | null = null) =>
  database.call('end_session', {
    p_session_digests: [digest(browser.session)],
    p_transaction_id: transactionId,
    p_browser_digests: [digest(browser.cookie)],
    p_request: request,
  })

test('ended: the session is worth nothing any more, and the end is an event', async () => {
  const person = await newPerson(database)
  expect(await end(person)).toEqual({ outcome: 'ended' })
  expect(await open(database, person, asked)).toMatchObject({ outcome: 'sign_in' })
  expect(await database.events()).toContain('session.ended')
})

test('no_session: unknown, or ended already', async () => {
  const person = await newPerson(database)
  await end(person)
  expect(await end(person)).toEqual({ outcome: 'no_session' })
  expect(await end(newBrowser())).toEqual({ outcome: 'no_session' })
})

test('with a transaction it goes back to sign-in, so that the account can be switched', async () => {
  const person = await newPerson(database)
  const transaction = await open(database, person, asked)
  expect(await end(person, transaction.id)).toEqual({ outcome: 'ended' })
  const [row] = await database.query('select account_id from mcp_data.transactions where transaction_id = $1', [
    transaction.id,
  ])
  expect(row?.account_id).toBeNull()
  expect(await decide(database, person, transaction.id)).toMatchObject({ outcome: 'sign_in' })
})

test("B11 another browser's transaction stays untouched", async () => {
  const victim = await newPerson(database)
  const transaction = await open(database, victim, asked)
  await end(await newPerson(database), transaction.id)
  expect(await decide(database, victim, transaction.id)).toMatchObject({ outcome: 'approved' })
})
