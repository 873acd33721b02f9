import { expect, test } from 'vitest'
import { type Browser, newBrowser, newPerson, open } from './support/builders.ts'
import { freshSession } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import {
  addPasskey,
  ageSignIn,
  byPasskey,
  passkeyEvents,
  passkeyOwner,
  passkeysOf,
  removePasskey,
  reportLost,
  takeChallenge,
} from './support/passkeys.ts'

const database = await testDatabase()
const remove = (person: Browser, passkey_id: string) => removePasskey(database, person, passkey_id)

test('removed: nobody signs in with it any more', async () => {
  const person = await newPerson(database)
  const { passkey_id, credential_id } = await addPasskey(database, person)
  expect(await remove(person, passkey_id)).toEqual({ outcome: 'removed', email: person.email })
  expect(await passkeysOf(database, person)).toEqual([])
  const browser = newBrowser()
  const transaction = await open(database, browser, { scope: ['openid'] })
  expect(await takeChallenge(database, browser, transaction.id, credential_id)).toEqual({ outcome: 'passkey_unknown' })
  expect(await database.events()).toContain('passkey.removed')
})

test('not_found: another person’s, and one that is gone', async () => {
  const person = await newPerson(database)
  const { passkey_id } = await addPasskey(database, person)
  expect(await remove(await newPerson(database), passkey_id)).toEqual({ outcome: 'not_found' })
  await remove(person, passkey_id)
  expect(await remove(person, passkey_id)).toEqual({ outcome: 'not_found' })
})

test('J22 not_fresh: after a sign-in that is too old', async () => {
  const person = await newPerson(database)
  const { passkey_id } = await addPasskey(database, person)
  await ageSignIn(database, person)
  expect(await remove(person, passkey_id)).toEqual({ outcome: 'not_fresh' })
  expect(await passkeysOf(database, person)).toHaveLength(1)
})

test('J22 C7 not_fresh by passkey: a code that somebody was talked out of removes none', async () => {
  const { person, passkey } = await passkeyOwner(database)
  const phisher = await freshSession(database, person)
  for (const passkey_id of [passkey.passkey_id, 'pky_000000000000']) {
    expect(await remove(phisher, passkey_id)).toEqual({ outcome: 'not_fresh', by: 'passkey' })
  }
  const strong = await byPasskey(database, person, passkey)
  await ageSignIn(database, strong)
  expect(await remove(strong, passkey.passkey_id)).toEqual({ outcome: 'not_fresh', by: 'passkey' })
  expect(await passkeysOf(database, person)).toHaveLength(1)
  expect(await remove(await byPasskey(database, person, passkey), passkey.passkey_id)).toMatchObject({
    outcome: 'removed',
  })
})

test('C7 removed: the first passkey of an account, with a code, by whoever reads in time that it was made', async () => {
  const victim = await newPerson(database)
  const passkey = await addPasskey(database, await freshSession(database, victim))
  const phisher = await byPasskey(database, victim, passkey)
  const second = await addPasskey(database, phisher)
  expect(await remove(victim, passkey.passkey_id)).toMatchObject({ outcome: 'removed' })
  // What it has made meanwhile is no more settled than it was.
  expect(await remove(victim, second.passkey_id)).toMatchObject({ outcome: 'removed' })
})

test('removed: with a passkey, and whoever has said meanwhile that all are lost was wrong', async () => {
  const { person, passkey } = await passkeyOwner(database)
  const strong = await byPasskey(database, person, passkey)
  await reportLost(database, person)
  expect(await remove(strong, passkey.passkey_id)).toMatchObject({ outcome: 'removed', report_ended: true })
  expect(await passkeyEvents(database, person)).toContainEqual(['passkey.removal_cancelled', 'passkey_removed'])
})

test('sign_in: nobody is signed in', async () => {
  expect(await remove(newBrowser(), 'pky_000000000000')).toEqual({ outcome: 'sign_in' })
})
