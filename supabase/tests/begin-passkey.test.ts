import { expect, test } from 'vitest'
import { newBrowser, newPerson } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import {
  addPasskey,
  ageSignIn,
  answerChallenge,
  beginPasskey,
  byPasskey,
  newPasskey,
  passkeyOwner,
} from './support/passkeys.ts'
import { digest, id } from './support/values.ts'

const database = await testDatabase()

test('begun: who the person is, and the passkeys there are already (WebAuthn Level 3 §7.1)', async () => {
  const person = await newPerson(database)
  const passkey = await addPasskey(database, person)
  expect(await beginPasskey(database, await byPasskey(database, person, passkey), id())).toEqual({
    outcome: 'begun',
    account_id: person.account_id,
    email: person.email,
    credentials: [{ id: passkey.credential_id, transports: ['internal', 'hybrid'] }],
  })
})

test('begun: a newer challenge makes the older one worthless', async () => {
  const person = await newPerson(database)
  const [older, newer] = [id(), id()]
  await beginPasskey(database, person, older)
  await beginPasskey(database, person, newer)
  expect(await answerChallenge(database, person, older, newPasskey())).toEqual({ outcome: 'challenge_gone' })
  expect(await answerChallenge(database, person, newer, newPasskey())).toMatchObject({ outcome: 'added' })
})

test('full: no more than so many, and then no challenge either', async () => {
  const { person: owner, passkey } = await passkeyOwner(database)
  const person = await byPasskey(database, owner, passkey)
  const challenge = id()
  const answer = await own(database, person, 'begin_passkey', {
    p_fresh_seconds: 900,
    p_challenge_digest: digest(challenge),
    p_maximum: 1,
  })
  expect(answer).toEqual({ outcome: 'full', email: person.email })
  expect(await answerChallenge(database, person, challenge, newPasskey())).toEqual({ outcome: 'challenge_gone' })
})

test('J22 not_fresh: after a sign-in that is too old', async () => {
  const person = await newPerson(database)
  await ageSignIn(database, person)
  expect(await beginPasskey(database, person, id())).toEqual({ outcome: 'not_fresh' })
})

test('J22 C7 not_fresh by passkey: where there is one, a code is not enough', async () => {
  const person = await newPerson(database)
  const passkey = await addPasskey(database, person)
  expect(await beginPasskey(database, person, id())).toEqual({ outcome: 'not_fresh', by: 'passkey' })
  const strong = await byPasskey(database, person, passkey)
  await ageSignIn(database, strong)
  expect(await beginPasskey(database, strong, id())).toEqual({ outcome: 'not_fresh', by: 'passkey' })
})

test('sign_in: nobody is signed in', async () => {
  expect(await beginPasskey(database, newBrowser(), id())).toEqual({ outcome: 'sign_in' })
})
