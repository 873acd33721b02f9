import { expect, test } from 'vitest'
import { newBrowser, newPerson } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import {
  ageSignIn,
  confirmSeconds,
  keepPasskeys,
  passkeyEvents,
  passkeyOwner,
  passkeysOf,
  passWait,
  removeLost,
  reportLost,
  waitSeconds,
} from './support/passkeys.ts'

const database = await testDatabase()

test('kept: by any session, also after the wait, with an event and the address to tell; then nothing is removed', async () => {
  const { person } = await passkeyOwner(database)
  await reportLost(database, person)
  await passWait(database, person, waitSeconds)
  expect(await keepPasskeys(database, await newPerson(database))).toEqual({ outcome: 'none' })
  await ageSignIn(database, person)
  expect(await keepPasskeys(database, person)).toEqual({ outcome: 'kept', email: person.email })
  expect(await passkeyEvents(database, person)).toContainEqual(['passkey.removal_cancelled', 'kept'])
  await ageSignIn(database, person)
  expect(await passkeysOf(database, person)).toHaveLength(1)
})

test('J22 kept: each report is ended once, whoever ends it at the same moment', async () => {
  const { person } = await passkeyOwner(database)
  for (let report = 0; report < 2; report += 1) {
    await reportLost(database, person)
    const answers = await Promise.all(Array.from({ length: 5 }, () => keepPasskeys(database, person)))
    expect(answers.filter(({ outcome }) => outcome === 'kept')).toEqual([{ outcome: 'kept', email: person.email }])
  }
})

test('none: there is nothing to stop, nor once it has lapsed', async () => {
  const { person } = await passkeyOwner(database)
  expect(await keepPasskeys(database, person)).toEqual({ outcome: 'none' })
  await reportLost(database, person)
  await passWait(database, person, waitSeconds + confirmSeconds)
  expect(await keepPasskeys(database, person)).toEqual({ outcome: 'none' })
  expect(await removeLost(database, person)).toEqual({ outcome: 'not_due' })
  expect(await passkeyEvents(database, person)).not.toContainEqual(['passkey.removal_cancelled', 'kept'])
})

test('sign_in: nobody is signed in', async () => {
  expect(await keepPasskeys(database, newBrowser())).toEqual({ outcome: 'sign_in' })
})
