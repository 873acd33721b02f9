import { expect, test } from 'vitest'
import { newBrowser, newPerson } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import {
  ageSignIn,
  confirmSeconds,
  passkeyEvents,
  passkeyOwner,
  passkeysOf,
  passWait,
  removeLost,
  reportLost,
  waitSeconds,
} from './support/passkeys.ts'

const database = await testDatabase()

test('reported: with a code, when it can be done and until when, an event, and nothing is removed yet', async () => {
  const { person } = await passkeyOwner(database)
  const { reported_at_seconds: at, ...answer } = await reportLost(database, person)
  expect(answer).toEqual({
    outcome: 'reported',
    email: person.email,
    // The moment at which it may be done is never told too early.
    removable_at_seconds: Number(at) + waitSeconds + 1,
    lapses_at_seconds: Number(at) + waitSeconds + confirmSeconds,
  })
  expect(await passkeysOf(database, person)).toHaveLength(1)
  expect(await passkeyEvents(database, person)).toContainEqual(['passkey.removal_requested', null])
})

test('already_reported: asking again moves nothing, until it has lapsed', async () => {
  const { person } = await passkeyOwner(database)
  const { removable_at_seconds } = await reportLost(database, person)
  await passWait(database, person, waitSeconds)
  expect(await reportLost(database, person)).toEqual({ outcome: 'already_reported' })
  const { lost } = await own(database, person, 'list_passkeys')
  expect(lost).toMatchObject({ removable_at_seconds: Number(removable_at_seconds) - waitSeconds })
  await passWait(database, person, confirmSeconds)
  expect(await reportLost(database, person)).toMatchObject({ outcome: 'reported' })
  expect(await removeLost(database, person)).toEqual({ outcome: 'not_due' })
})

test('none: whoever has no passkey has lost none', async () => {
  expect(await reportLost(database, await newPerson(database))).toEqual({ outcome: 'none' })
})

test('J22 not_fresh: after a sign-in that is too old', async () => {
  const { person } = await passkeyOwner(database)
  await ageSignIn(database, person)
  expect(await reportLost(database, person)).toEqual({ outcome: 'not_fresh' })
})

test('sign_in: nobody is signed in', async () => {
  expect(await reportLost(database, newBrowser())).toEqual({ outcome: 'sign_in' })
})

test('it is part of what is kept about a person', async () => {
  const { person } = await passkeyOwner(database)
  const lost = async () => (await own(database, person, 'export_own_account')).lost_passkeys
  expect(await lost()).toBe(null)
  await reportLost(database, person)
  expect(await lost()).toMatchObject({ removable_at_seconds: expect.any(Number) as number })
})
