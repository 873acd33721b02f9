import { expect, test } from 'vitest'
import { newBrowser, newPerson, open } from './support/builders.ts'
import { freshSession } from './support/connections.ts'
import { atOneMoment, testDatabase } from './support/database.ts'
import {
  addPasskey,
  ageSignIn,
  byPasskey,
  confirmSeconds,
  keepPasskeys,
  passkeyEvents,
  passkeyOwner,
  passkeysOf,
  passWait,
  removeLost,
  reportLost,
  takeChallenge,
  waitSeconds,
} from './support/passkeys.ts'

const database = await testDatabase()

test('removed: all of them, after the wait and not before, with one event; and then a code adds one', async () => {
  const { person, passkey } = await passkeyOwner(database)
  await addPasskey(database, await byPasskey(database, person, passkey))
  await atOneMoment(database, async (still) => {
    await reportLost(still, person)
    await passWait(still, person, waitSeconds - 1)
    expect(await removeLost(still, person)).toEqual({ outcome: 'not_due' })
    await passWait(still, person, 1)
    expect(await passkeysOf(still, person)).toHaveLength(2)
    expect(await removeLost(still, person)).toEqual({ outcome: 'removed', email: person.email })
  })
  expect(await passkeysOf(database, person)).toEqual([])
  const browser = newBrowser()
  const transaction = await open(database, browser, { scope: ['openid'] })
  const taken = await takeChallenge(database, browser, transaction.id, passkey.credential_id)
  expect(taken).toEqual({ outcome: 'passkey_unknown' })
  const text =
    "select detail from mcp_data.audit_events where event = 'passkey.removed' and reason = 'lost' and account_id = $1"
  expect(await database.query(text, [person.account_id])).toEqual([{ detail: { passkeys: 2 } }])
  expect(await addPasskey(database, await freshSession(database, person))).toMatchObject({ name: 'Laptop' })
})

test('not_due: nobody has asked, it was stopped, it was done, it has lapsed, or a passkey was used', async () => {
  const { person, passkey } = await passkeyOwner(database)
  const due = async () => {
    await reportLost(database, person)
    await passWait(database, person, waitSeconds)
  }
  expect(await removeLost(database, person)).toEqual({ outcome: 'not_due' })
  await due()
  await keepPasskeys(database, person)
  expect(await removeLost(database, person)).toEqual({ outcome: 'not_due' })
  await due()
  await byPasskey(database, person, passkey)
  expect(await removeLost(database, person)).toEqual({ outcome: 'not_due' })
  await due()
  await passWait(database, person, confirmSeconds)
  expect(await removeLost(database, person)).toEqual({ outcome: 'not_due' })
  await due()
  expect(await removeLost(database, await newPerson(database))).toEqual({ outcome: 'not_due' })
  expect(await removeLost(database, person)).toMatchObject({ outcome: 'removed' })
  expect(await removeLost(database, person)).toEqual({ outcome: 'not_due' })
  expect(
    (await passkeyEvents(database, person)).filter((event) => String(event).startsWith('passkey.removed')),
  ).toEqual([['passkey.removed', 'lost']])
})

test('J22 not_fresh: after a sign-in that is too old', async () => {
  const { person } = await passkeyOwner(database)
  await reportLost(database, person)
  await passWait(database, person, waitSeconds)
  await ageSignIn(database, person)
  expect(await removeLost(database, person)).toEqual({ outcome: 'not_fresh' })
  expect(await passkeysOf(database, person)).toHaveLength(1)
})

test('sign_in: nobody is signed in', async () => {
  expect(await removeLost(database, newBrowser())).toEqual({ outcome: 'sign_in' })
})
