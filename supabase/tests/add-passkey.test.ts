import { expect, test } from 'vitest'
import { newBrowser, newPerson } from './support/builders.ts'
import { freshSession } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import {
  addPasskey,
  ageSignIn,
  answerChallenge,
  beginPasskey,
  byPasskey,
  keepPasskeys,
  newPasskey,
  passkeyEvents,
  passkeyOwner,
  passkeysOf,
  reportLost,
  waitSeconds,
} from './support/passkeys.ts'
import { id } from './support/values.ts'

const database = await testDatabase()

async function begun() {
  const person = await newPerson(database)
  const challenge = id()
  await beginPasskey(database, person, challenge)
  return { person, challenge }
}

test('added: with what was verified of it, and an event', async () => {
  const { person, challenge } = await begun()
  const passkey = newPasskey({ sign_count: 7 })
  expect(await answerChallenge(database, person, challenge, passkey)).toEqual({
    outcome: 'added',
    email: person.email,
    settles_at_seconds: expect.any(Number) as number,
  })
  const text = `select credential_id, sign_count::integer as sign_count, transports, is_backup_eligible, is_backed_up, name
    from mcp_data.passkeys where account_id = $1`
  expect(await database.query(text, [person.account_id])).toEqual([
    {
      credential_id: passkey.credential_id,
      sign_count: 7,
      transports: ['internal', 'hybrid'],
      is_backup_eligible: true,
      is_backed_up: false,
      name: 'Laptop',
    },
  ])
  expect(await database.events()).toContain('passkey.added')
})

test('challenge_gone: an answer counts once, in the session it was asked in', async () => {
  const { person, challenge } = await begun()
  const elsewhere = await freshSession(database, person)
  expect(await answerChallenge(database, elsewhere, challenge, newPasskey())).toEqual({ outcome: 'challenge_gone' })
  expect(await answerChallenge(database, person, challenge, newPasskey())).toMatchObject({ outcome: 'added' })
  const [first] = await passkeysOf(database, person)
  const strong = await byPasskey(database, person, { passkey_id: String(first?.passkey_id) })
  const second = id()
  await beginPasskey(database, strong, second)
  expect(await answerChallenge(database, strong, second, newPasskey())).toMatchObject({ outcome: 'added' })
  expect(await answerChallenge(database, strong, second, newPasskey())).toEqual({ outcome: 'challenge_gone' })
  expect(await passkeysOf(database, person)).toHaveLength(2)
})

test('already_known: a credential belongs to one account for good', async () => {
  const { credential_id } = await addPasskey(database, await newPerson(database))
  const { person, challenge } = await begun()
  expect(await answerChallenge(database, person, challenge, newPasskey({ credential_id }))).toEqual({
    outcome: 'already_known',
  })
  expect(await passkeysOf(database, person)).toEqual([])
})

test('full: no more than so many', async () => {
  const { person, challenge } = await begun()
  expect(await answerChallenge(database, person, challenge, newPasskey(), { p_maximum: 0 })).toEqual({
    outcome: 'full',
  })
})

test('J22 not_fresh: a sign-in that has become too old meanwhile', async () => {
  const { person, challenge } = await begun()
  await ageSignIn(database, person)
  expect(await answerChallenge(database, person, challenge, newPasskey())).toEqual({ outcome: 'not_fresh' })
})

test('sign_in: nobody is signed in', async () => {
  expect(await answerChallenge(database, newBrowser(), id(), newPasskey())).toEqual({ outcome: 'sign_in' })
})

test('J22 C7 not_fresh by passkey: a code that somebody was talked out of adds none to an account which has one', async () => {
  const { person, challenge } = await begun()
  const elsewhere = await freshSession(database, person)
  const other = id()
  await beginPasskey(database, elsewhere, other)
  expect(await answerChallenge(database, person, challenge, newPasskey())).toMatchObject({ outcome: 'added' })
  // The page was shown before there was one.
  expect(await answerChallenge(database, elsewhere, other, newPasskey())).toEqual({
    outcome: 'not_fresh',
    by: 'passkey',
  })
  expect(await passkeysOf(database, person)).toHaveLength(1)
})

test('J22 not_fresh by passkey: a sign-in with one that has become too old', async () => {
  const { person, passkey } = await passkeyOwner(database)
  const strong = await byPasskey(database, person, passkey)
  const challenge = id()
  await beginPasskey(database, strong, challenge)
  await ageSignIn(database, strong)
  const late = await answerChallenge(database, strong, challenge, newPasskey())
  expect(late).toEqual({ outcome: 'not_fresh', by: 'passkey' })
})

test('added: one that a passkey has made is as settled as that one', async () => {
  const { person, passkey } = await passkeyOwner(database)
  const strong = await byPasskey(database, person, passkey)
  const challenge = id()
  await beginPasskey(database, strong, challenge)
  expect(await answerChallenge(database, strong, challenge, newPasskey())).toEqual({
    outcome: 'added',
    email: person.email,
  })
})

test('added: the first one settles once its person had time to see that it was made', async () => {
  const { person, challenge } = await begun()
  await answerChallenge(database, person, challenge, newPasskey())
  const text = `select extract(epoch from settles_at - created_at)::integer as seconds from mcp_data.passkeys where account_id = $1`
  expect(await database.query(text, [person.account_id])).toEqual([{ seconds: waitSeconds }])
})

test('added: whoever has said meanwhile that all are lost was wrong', async () => {
  const { person, passkey } = await passkeyOwner(database)
  const strong = await byPasskey(database, person, passkey)
  expect(await reportLost(database, person)).toMatchObject({ outcome: 'reported' })
  const challenge = id()
  await beginPasskey(database, strong, challenge)
  const added = await answerChallenge(database, strong, challenge, newPasskey())
  expect(added).toMatchObject({ outcome: 'added', report_ended: true })
  expect(await passkeyEvents(database, person)).toContainEqual(['passkey.removal_cancelled', 'passkey_added'])
  expect(await keepPasskeys(database, person)).toEqual({ outcome: 'none' })
})
