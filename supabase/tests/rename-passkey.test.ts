import { expect, test } from 'vitest'
import { newBrowser, newPerson } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import { addPasskey, passkeysOf } from './support/passkeys.ts'

const database = await testDatabase()
const person = await newPerson(database)
const { passkey_id } = await addPasskey(database, person)

test('renamed', async () => {
  const answer = await own(database, person, 'rename_passkey', { p_passkey_id: passkey_id, p_name: 'Phone' })
  expect(answer).toEqual({ outcome: 'renamed' })
  expect(await passkeysOf(database, person)).toMatchObject([{ name: 'Phone' }])
})

test('not_found: another person’s', async () => {
  const other = await newPerson(database)
  const answer = await own(database, other, 'rename_passkey', { p_passkey_id: passkey_id, p_name: 'Mine' })
  expect(answer).toEqual({ outcome: 'not_found' })
  expect(await passkeysOf(database, person)).toMatchObject([{ name: 'Phone' }])
})

test('sign_in: nobody is signed in', async () => {
  const answer = await own(database, newBrowser(), 'rename_passkey', { p_passkey_id: passkey_id, p_name: 'Mine' })
  expect(answer).toEqual({ outcome: 'sign_in' })
})
