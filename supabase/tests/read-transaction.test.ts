import { expect, test } from 'vitest'
import {
  addServer,
  type Browser,
  decide,
  newBrowser,
  newPerson,
  open,
  sendCode,
  signIn,
  verifyCode,
} from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { digest, lifetimes, metadataClient, newEmail, request } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const asked = { resource: server.server_url }
const read = (browser: Browser, transactionId: string) =>
  database.call('read_transaction', {
    p_transaction_id: transactionId,
    p_browser_digests: [digest(browser.cookie)],
    p_session_digests: [digest(browser.session)],
    p_session_idle_seconds: lifetimes.session_idle_seconds,
    p_request: request,
  })

test('sign_in: tells this browser which address it gave and how many tries are left', async () => {
  const browser = newBrowser()
  const transaction = await open(database, browser, asked)
  const before = await read(browser, transaction.id)
  expect(before).toMatchObject({
    outcome: 'sign_in',
    email_code_sent: false,
    transaction: { transaction_id: transaction.id },
  })
  expect(before).not.toHaveProperty('email')
  const email = newEmail()
  await sendCode(database, browser, transaction.id, email)
  await verifyCode(database, browser, transaction.id, '00000000')
  expect(await read(browser, transaction.id)).toMatchObject({ email_code_sent: true, email, attempts_left: 4 })
})

test('consent: a session of another tab is seen, and the transaction is bound to the account shown', async () => {
  const browser = newBrowser()
  const transaction = await open(database, browser, asked)
  const person = await signIn(database, browser)
  expect(await read(browser, transaction.id)).toMatchObject({ outcome: 'consent', transaction: { account: person } })
  expect(await decide(database, browser, transaction.id)).toMatchObject({ outcome: 'approved' })
})

test('sign_in: after prompt=login a session of before is not enough', async () => {
  const person = await newPerson(database)
  await database.passTime(5)
  const transaction = await open(database, person, { ...asked, prompt: ['login'] })
  expect(await read(person, transaction.id)).toMatchObject({ outcome: 'sign_in' })
})

test('B11 transaction_gone: to another browser the transaction does not exist', async () => {
  const transaction = await open(database, newBrowser(), asked)
  const gone = { outcome: 'transaction_gone', reason: 'transaction_unknown' }
  expect(await read(await newPerson(database), transaction.id)).toEqual(gone)
  expect(await read(newBrowser(), 'no-such-transaction')).toEqual(gone)
})

test('A30 transaction_gone: after ten minutes by the clock of the database, and once decided', async () => {
  const person = await newPerson(database)
  const decided = await open(database, person, asked)
  await decide(database, person, decided.id)
  expect(await read(person, decided.id)).toEqual({ outcome: 'transaction_gone', reason: 'transaction_decided' })
  const transaction = await open(database, person, asked)
  await database.passTime(601)
  expect(await read(person, transaction.id)).toEqual({ outcome: 'transaction_gone', reason: 'transaction_expired' })
})

test('transaction_gone: an expired one leaves an event with the reference of its page, three at most (SECURITY §28)', async () => {
  const person = await newPerson(database)
  const transaction = await open(database, person, asked)
  // What is alive counts nothing: the three are those of the dead one.
  for (let n = 0; n < 3; n++) await read(person, transaction.id)
  await database.passTime(601)
  const events = () =>
    database.query(
      "select reason, client_id, request_id from mcp_data.audit_events where event = 'authorization.failed' and account_id = $1",
      [person.account_id],
    )
  await read(newBrowser(), transaction.id)
  expect(await events()).toEqual([])
  for (let n = 0; n < 5; n++) await read(person, transaction.id)
  const event = { reason: 'transaction_expired', client_id: metadataClient.client_id, request_id: 'req_1' }
  expect(await events()).toEqual([event, event, event])
})
