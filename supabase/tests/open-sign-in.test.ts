import { expect, test } from 'vitest'
import { type Browser, decide, newBrowser, newPerson, sendCode, verifyCode } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { openSignIn, readTransaction } from './support/pages.ts'
import { passkeyOwner, verifyPasskey } from './support/passkeys.ts'
import { digest, newEmail } from './support/values.ts'

const database = await testDatabase()
const rowOf = async (transactionId: string) =>
  (await database.query('select * from mcp_data.transactions where transaction_id = $1', [transactionId]))[0]
const openRows = async (browser: Browser) => {
  const text = 'select from mcp_data.transactions where browser_digest = $1::bytea'
  return (await database.query(text, [digest(browser.cookie)])).length
}

test('page_sign_in: nobody is signed in; the row holds the page and nothing of a client (SECURITY §8)', async () => {
  const { id, ...answer } = await openSignIn(database, newBrowser())
  expect(answer).toEqual({
    outcome: 'page_sign_in',
    transaction: {
      transaction_id: id,
      page: '/account',
      passkey_round: 0,
      wants_fresh_sign_in: false,
      needs_passkey: false,
    },
  })
  expect(await rowOf(id)).toMatchObject({ page: '/account', client: null, redirect_uri: null, minimum_auth_time: null })
})

test('signed_in: a live session is enough, and no row is written', async () => {
  const person = await newPerson(database)
  const before = await openRows(person)
  expect(await openSignIn(database, person)).toMatchObject({ outcome: 'signed_in' })
  expect(await openRows(person)).toBe(before)
})

test('J22 page_sign_in: a session that is not fresh is asked again, with its address at hand', async () => {
  const person = await newPerson(database)
  expect(await openSignIn(database, person, { p_fresh_seconds: 900 })).toMatchObject({ outcome: 'signed_in' })
  await database.passTime(901)
  const stale = await openSignIn(database, person, { p_fresh_seconds: 900 })
  expect(stale).toMatchObject({ outcome: 'page_sign_in', transaction: { email: person.email } })
  expect(await readTransaction(database, person, stale.id)).toMatchObject({ outcome: 'page_sign_in' })
  await sendCode(database, person, stale.id, person.email)
  const session = `${person.session} again`
  await verifyCode(database, person, stale.id, '12345678', { p_session_digest: digest(session) })
  expect(await readTransaction(database, { ...person, session }, stale.id)).toEqual({
    outcome: 'page',
    page: '/account',
  })
})

test('J22 page_sign_in: where a passkey is needed, no code is enough, before and after', async () => {
  const { person, passkey } = await passkeyOwner(database)
  const needed = { p_fresh_seconds: 900, p_needs_passkey: true }
  const { id, ...answer } = await openSignIn(database, person, needed)
  expect(answer).toMatchObject({
    outcome: 'page_sign_in',
    transaction: { email: person.email, needs_passkey: true, wants_fresh_sign_in: true },
  })
  await sendCode(database, person, id, person.email)
  const coded = { ...person, session: `${person.session} coded` }
  await verifyCode(database, person, id, '12345678', { p_session_digest: digest(coded.session) })
  expect(await readTransaction(database, coded, id)).toMatchObject({ outcome: 'page_sign_in' })
  const strong = { ...person, session: `${person.session} strong` }
  await verifyPasskey(database, strong, id, passkey)
  expect(await readTransaction(database, strong, id)).toEqual({ outcome: 'page', page: '/account' })
  expect(await openSignIn(database, strong, needed)).toMatchObject({ outcome: 'signed_in' })
})

test('a sign-in for a page goes through the code like any other, and leads to the page', async () => {
  const browser = newBrowser()
  const { id } = await openSignIn(database, browser, { p_page: '/dashboard/servers' })
  expect(await readTransaction(database, browser, id)).toMatchObject({
    outcome: 'page_sign_in',
    email_code_sent: false,
  })
  await sendCode(database, browser, id, newEmail())
  expect(await verifyCode(database, browser, id)).toMatchObject({ outcome: 'verified', page: '/dashboard/servers' })
  expect(await readTransaction(database, browser, id)).toEqual({ outcome: 'page', page: '/dashboard/servers' })
})

test('B11 it belongs to its browser', async () => {
  const { id } = await openSignIn(database, newBrowser())
  expect(await readTransaction(database, newBrowser(), id)).toEqual({
    outcome: 'transaction_gone',
    reason: 'transaction_unknown',
  })
})

test('A29 it can be consented to by nobody', async () => {
  const person = await newPerson(database)
  await database.passTime(901)
  const { id } = await openSignIn(database, person, { p_fresh_seconds: 900 })
  for (const p_decision of ['approve', 'deny']) {
    expect(await decide(database, person, id, { p_decision, p_scopes: [] })).toMatchObject({
      outcome: 'transaction_gone',
      reason: 'transaction_unknown',
    })
  }
})

test.each(['/', '//evil.example', 'https://evil.example', '/account/../consent', '/accounts', '/account?x=1'])(
  'a page that is none of ours is refused by the table itself: %s (RFC 9700 §4.11)',
  async (p_page) => {
    await expect(openSignIn(database, newBrowser(), { p_page })).rejects.toThrow('transactions_page_is_ours')
  },
)

test('a browser keeps a bounded number of them; the oldest makes room', async () => {
  const browser = newBrowser()
  for (let opened = 0; opened < 12; opened++) await openSignIn(database, browser)
  expect(await openRows(browser)).toBe(10)
})
