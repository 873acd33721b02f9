import { expect, test } from 'vitest'
import { newBrowser, newPerson, open } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { openSignIn } from './support/pages.ts'
import { addPasskey, keepPasskeys, passkeyEvents, passkeysOf, reportLost, verifyPasskey } from './support/passkeys.ts'
import { digest, id } from './support/values.ts'

const database = await testDatabase()
const asked = { scope: ['openid'] }

async function atTheDoor(changes: Record<string, unknown> = {}) {
  const person = await newPerson(database)
  const passkey = await addPasskey(database, person, changes)
  const browser = newBrowser()
  const transaction = await open(database, browser, asked)
  return { person, passkey, browser, transaction }
}

const failures = async (accountId: string) => {
  const text = "select reason from mcp_data.audit_events where event = 'passkey.failed' and account_id = $1"
  return (await database.query(text, [accountId])).map(({ reason }) => reason)
}

test('verified: the person is signed in by passkey, and the passkey keeps counter and backup state', async () => {
  const { person, passkey, browser, transaction } = await atTheDoor()
  const p_proof = { sign_count: 3, backed_up: true }
  expect(await verifyPasskey(database, browser, transaction.id, passkey, { p_proof })).toEqual({
    outcome: 'verified',
    account_id: person.account_id,
    email: person.email,
  })
  const text = `select s.auth_method, p.sign_count::integer as sign_count, p.is_backed_up, p.last_used_at is not null as used
    from mcp_data.sessions s join mcp_data.passkeys p using (account_id) where s.session_digest = $1`
  expect(await database.query(text, [Buffer.from(digest(browser.session).slice(2), 'hex')])).toEqual([
    { auth_method: 'passkey', sign_count: 3, is_backed_up: true, used: true },
  ])
  expect(await open(database, browser, asked)).toMatchObject({ outcome: 'consent' })
})

test('verified: a sign-in for a page of ours leads there', async () => {
  const { passkey } = await atTheDoor()
  const browser = newBrowser()
  const { id: transactionId } = await openSignIn(database, browser, { p_page: '/account/sessions' })
  expect(await verifyPasskey(database, browser, transactionId, passkey)).toMatchObject({ page: '/account/sessions' })
})

test('verified: whoever has said that the passkeys are lost was wrong; a wrong answer says nothing', async () => {
  const { person, passkey, browser, transaction } = await atTheDoor()
  await reportLost(database, person)
  await verifyPasskey(database, browser, transaction.id, passkey, { p_proof: null, p_reason: 'signature' })
  expect(await passkeyEvents(database, person)).not.toContainEqual(['passkey.removal_cancelled', 'passkey_used'])
  expect(await verifyPasskey(database, browser, transaction.id, passkey)).toMatchObject({ report_ended: true })
  expect(await passkeyEvents(database, person)).toContainEqual(['passkey.removal_cancelled', 'passkey_used'])
  expect(await keepPasskeys(database, person)).toEqual({ outcome: 'none' })
})

test('B6 the session of before ends at sign-in', async () => {
  const { person, passkey } = await atTheDoor()
  const transaction = await open(database, person, { ...asked, prompt: ['login'] })
  await verifyPasskey(database, person, transaction.id, passkey, {
    p_old_session_digests: [digest(person.session)],
    p_session_digest: digest(id()),
  })
  expect(await open(database, person, asked)).toMatchObject({ outcome: 'sign_in' })
})

test('refused: a wrong answer leaves its reason and signs nobody in', async () => {
  const { person, passkey, browser, transaction } = await atTheDoor()
  const wrong = { p_proof: null, p_reason: 'signature' }
  expect(await verifyPasskey(database, browser, transaction.id, passkey, wrong)).toEqual({ outcome: 'refused' })
  expect(await open(database, browser, asked)).toMatchObject({ outcome: 'sign_in' })
  expect(await failures(person.account_id)).toEqual(['signature'])
})

test('refused: a counter that does not grow is that of a copy (WebAuthn Level 3 §7.2, step 22)', async () => {
  const { person, passkey, browser, transaction } = await atTheDoor({ sign_count: 5 })
  for (const sign_count of [5, 4, 0]) {
    const p_proof = { sign_count, backed_up: false }
    expect(await verifyPasskey(database, browser, transaction.id, passkey, { p_proof })).toEqual({ outcome: 'refused' })
  }
  expect(await failures(person.account_id)).toEqual(['counter', 'counter', 'counter'])
})

test('passkey_unknown: it was removed meanwhile', async () => {
  const { browser, transaction } = await atTheDoor()
  const gone = { passkey_id: 'pky_000000000000' }
  expect(await verifyPasskey(database, browser, transaction.id, gone)).toEqual({ outcome: 'passkey_unknown' })
})

test('account_disabled: no session for a closed account (M12)', async () => {
  const { person, passkey, browser, transaction } = await atTheDoor()
  await database.query('update mcp_data.accounts set disabled_at = now() where account_id = $1', [person.account_id])
  expect(await verifyPasskey(database, browser, transaction.id, passkey)).toEqual({ outcome: 'account_disabled' })
})

test('B11 A30 transaction_gone: of another browser', async () => {
  const { person, passkey, transaction } = await atTheDoor()
  expect(await verifyPasskey(database, newBrowser(), transaction.id, passkey)).toEqual({
    outcome: 'transaction_gone',
    reason: 'transaction_unknown',
  })
  expect(await passkeysOf(database, person)).toMatchObject([{ name: 'Laptop' }])
})
