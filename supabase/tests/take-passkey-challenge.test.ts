import { expect, test } from 'vitest'
import { newBrowser, newPerson, open } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { openSignIn } from './support/pages.ts'
import { addPasskey, takeChallenge } from './support/passkeys.ts'

const database = await testDatabase()
const person = await newPerson(database)
const passkey = await addPasskey(database, person)

test('taken: what the answer is verified with, and each time another challenge', async () => {
  const browser = newBrowser()
  const transaction = await open(database, browser, { scope: ['openid'] })
  expect(transaction).toMatchObject({ transaction: { passkey_round: 0 } })
  expect(await takeChallenge(database, browser, transaction.id, passkey.credential_id)).toEqual({
    outcome: 'taken',
    passkey_round: 0,
    passkey: {
      passkey_id: passkey.passkey_id,
      account_id: person.account_id,
      credential_id: passkey.credential_id,
      public_key: passkey.public_key,
      sign_count: 0,
    },
  })
  expect(await takeChallenge(database, browser, transaction.id, passkey.credential_id)).toMatchObject({
    passkey_round: 1,
  })
})

test('taken: also for a page of ours', async () => {
  const browser = newBrowser()
  const { id } = await openSignIn(database, browser)
  expect(await takeChallenge(database, browser, id, passkey.credential_id)).toMatchObject({ passkey_round: 0 })
})

test('passkey_unknown: the challenge is used up all the same', async () => {
  const browser = newBrowser()
  const transaction = await open(database, browser, { scope: ['openid'] })
  expect(await takeChallenge(database, browser, transaction.id, 'unknown')).toEqual({ outcome: 'passkey_unknown' })
  expect(await takeChallenge(database, browser, transaction.id, passkey.credential_id)).toMatchObject({
    passkey_round: 1,
  })
})

test('B11 A30 transaction_gone: of another browser, and after ten minutes', async () => {
  const browser = newBrowser()
  const transaction = await open(database, browser, { scope: ['openid'] })
  expect(await takeChallenge(database, newBrowser(), transaction.id, passkey.credential_id)).toEqual({
    outcome: 'transaction_gone',
    reason: 'transaction_unknown',
  })
  await database.passTime(601)
  expect(await takeChallenge(database, browser, transaction.id, passkey.credential_id)).toEqual({
    outcome: 'transaction_gone',
    reason: 'transaction_expired',
  })
})
