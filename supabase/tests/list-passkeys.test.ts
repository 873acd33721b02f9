import { expect, test } from 'vitest'
import { newBrowser, newPerson } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import { addPasskey, byPasskey, passkeyOwner, passWait, reportLost, waitSeconds } from './support/passkeys.ts'

const database = await testDatabase()

test('found: the person’s own, the oldest first, and nothing of their keys', async () => {
  const person = await newPerson(database)
  const first = await addPasskey(database, person, { name: 'Laptop', backed_up: true })
  const strong = await byPasskey(database, person, first)
  const second = await addPasskey(database, strong, { name: 'Key ring', backup_eligible: false })
  await addPasskey(database, await newPerson(database))
  const made = { created_at_seconds: expect.any(Number) as number }
  expect(await own(database, person, 'list_passkeys')).toEqual({
    outcome: 'found',
    email: person.email,
    passkeys: [
      {
        passkey_id: first.passkey_id,
        name: 'Laptop',
        synced: true,
        ...made,
        last_used_at_seconds: made.created_at_seconds,
      },
      { passkey_id: second.passkey_id, name: 'Key ring', synced: false, ...made },
    ],
    identities: [],
    settles_at_seconds: made.created_at_seconds,
  })
})

test('found: that all of them were said to be lost, and until when that counts', async () => {
  const { person } = await passkeyOwner(database)
  await reportLost(database, person)
  const { lost, settles_at_seconds } = await own(database, person, 'list_passkeys')
  expect([lost, settles_at_seconds]).toEqual([
    {
      reported_at_seconds: expect.any(Number) as number,
      removable_at_seconds: expect.any(Number) as number,
      lapses_at_seconds: expect.any(Number) as number,
    },
    undefined,
  ])
  await passWait(database, person, waitSeconds + 604_800)
  expect(await own(database, person, 'list_passkeys')).not.toHaveProperty('lost')
})

test('sign_in: nobody is signed in', async () => {
  expect(await own(database, newBrowser(), 'list_passkeys')).toEqual({ outcome: 'sign_in' })
})
