import { expect, test } from 'vitest'
import { addServer, newBrowser, open, sendCode, verifyCode } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { atTheDoor, comeBack, linkedPerson, newIdentity } from './support/identities.ts'
import { own, readTransaction } from './support/pages.ts'
import { id, newEmail } from './support/values.ts'

const database = await testDatabase()
const links = (email: string | undefined) =>
  database.query(
    'select i.subject from mcp_data.identities i join mcp_data.accounts a using (account_id) where a.email = $1',
    [email],
  )

test('confirm: the first time a code goes to the address, and nothing is linked by the provider’s word alone (C20)', async () => {
  const { browser, transaction } = await atTheDoor(database)
  const identity = newIdentity()
  expect(await comeBack(database, browser, transaction.id, identity)).toEqual({
    outcome: 'confirm',
    email: identity.email,
    sent: true,
  })
  expect(await readTransaction(database, browser, transaction.id)).toMatchObject({
    outcome: 'sign_in',
    email: identity.email,
    linking_issuer: identity.issuer,
  })
  expect(await database.query('select from mcp_data.accounts where email = $1', [identity.email])).toEqual([])
  expect(await links(identity.email)).toEqual([])
})

test('verified: once the code has proven the address, the provider signs in without one', async () => {
  const { person, identity } = await linkedPerson(database)
  expect(await links(person.email)).toEqual([{ subject: identity.subject }])
  const { browser, transaction } = await atTheDoor(database)
  expect(await comeBack(database, browser, transaction.id, identity)).toEqual({
    outcome: 'verified',
    account_id: person.account_id,
    email: person.email,
  })
  expect(await readTransaction(database, browser, transaction.id)).toMatchObject({ outcome: 'consent' })
  expect(await database.events()).toContain('identity.linked')
})

test('verified: by the subject, whatever the e-mail is there by now (OpenID Connect Core §5.7)', async () => {
  const { person, identity } = await linkedPerson(database)
  for (const email of [newEmail(), undefined]) {
    const { browser, transaction } = await atTheDoor(database)
    const later = { issuer: identity.issuer, subject: identity.subject, ...(email !== undefined && { email }) }
    expect(await comeBack(database, browser, transaction.id, later)).toMatchObject({ account_id: person.account_id })
  }
})

test('the same subject of another issuer is somebody else', async () => {
  const { identity } = await linkedPerson(database)
  const { browser, transaction } = await atTheDoor(database)
  const other = { ...identity, issuer: 'https://other.example' }
  expect(await comeBack(database, browser, transaction.id, other)).toMatchObject({ outcome: 'confirm' })
})

test('a code for another address links nothing', async () => {
  const { browser, transaction } = await atTheDoor(database)
  const identity = newIdentity()
  await comeBack(database, browser, transaction.id, identity)
  const email = newEmail()
  await sendCode(database, browser, transaction.id, email)
  expect(await verifyCode(database, browser, transaction.id)).toMatchObject({ outcome: 'verified', email })
  expect(await links(email)).toEqual([])
})

test('what is linked stays where it is, though two browsers link it at once', async () => {
  const identity = newIdentity()
  const [first, second] = [await atTheDoor(database), await atTheDoor(database)]
  await comeBack(database, first.browser, first.transaction.id, identity)
  const email = newEmail()
  await comeBack(database, second.browser, second.transaction.id, { ...identity, email })
  await verifyCode(database, first.browser, first.transaction.id)
  await verifyCode(database, second.browser, second.transaction.id)
  expect([await links(identity.email), await links(email)]).toEqual([[{ subject: identity.subject }], []])
})

test('verified: when the provider does not say when it asked, no fresh sign-in is made of it (B33, J22)', async () => {
  const { identity } = await linkedPerson(database)
  const server = await addServer(database, { sign_in_max_age_seconds: 900 })
  const nowSeconds = Math.floor(Date.now() / 1000)
  for (const [auth_time_seconds, outcome] of [
    [undefined, 'sign_in'],
    [nowSeconds - 3_600, 'sign_in'],
    [nowSeconds - 60, 'consent'],
    // A clock ahead of ours makes nothing fresher than now.
    [nowSeconds + 86_400, 'consent'],
  ] as const) {
    const { browser, transaction } = await atTheDoor(database, { resource: server.server_url })
    expect(transaction).toMatchObject({ transaction: { wants_fresh_sign_in: true } })
    const came = { ...identity, ...(auth_time_seconds !== undefined && { auth_time_seconds }) }
    expect(await comeBack(database, browser, transaction.id, came)).toMatchObject({ outcome: 'verified' })
    expect(await open(database, browser, { resource: server.server_url })).toMatchObject({ outcome })
  }
})

test('email_unverified: a stranger without an address that the provider has verified', async () => {
  const { browser, transaction } = await atTheDoor(database)
  const { issuer, subject } = newIdentity()
  expect(await comeBack(database, browser, transaction.id, { issuer, subject })).toEqual({
    outcome: 'email_unverified',
  })
})

test('account_disabled: no session for a closed account (M12)', async () => {
  const { person, identity } = await linkedPerson(database)
  await database.query('update mcp_data.accounts set disabled_at = now() where account_id = $1', [person.account_id])
  const { browser, transaction } = await atTheDoor(database)
  expect(await comeBack(database, browser, transaction.id, identity)).toEqual({ outcome: 'account_disabled' })
})

test('switched_off: where no codes are sent, nothing new is linked, and what is linked signs in', async () => {
  const { identity } = await linkedPerson(database)
  await database.query('update mcp_data.settings set email_sign_in_is_on = false')
  const first = await atTheDoor(database)
  expect(await comeBack(database, first.browser, first.transaction.id, newIdentity())).toEqual({
    outcome: 'switched_off',
  })
  expect(await comeBack(database, first.browser, first.transaction.id, identity)).toMatchObject({ outcome: 'verified' })
  await database.query('update mcp_data.settings set email_sign_in_is_on = true')
})

test('C2 confirm: a code that a limit holds back is not sent, and the answer to the person is the same', async () => {
  const email = newEmail()
  for (const sent of [true, true, true, false]) {
    const { browser, transaction } = await atTheDoor(database)
    expect(await comeBack(database, browser, transaction.id, newIdentity({ email }))).toMatchObject({
      outcome: 'confirm',
      sent,
    })
  }
})

test('B11 transaction_gone: of another browser, or none', async () => {
  const { transaction } = await atTheDoor(database)
  for (const transactionId of [transaction.id, id()]) {
    expect(await comeBack(database, newBrowser(), transactionId, newIdentity())).toEqual({
      outcome: 'transaction_gone',
      reason: 'transaction_unknown',
    })
  }
})

test('is in the person’s own data', async () => {
  const { person, identity } = await linkedPerson(database)
  expect(await own(database, person, 'export_own_account')).toMatchObject({
    identities: [{ issuer: identity.issuer, email: person.email }],
  })
})
