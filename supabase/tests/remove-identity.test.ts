import { expect, test } from 'vitest'
import { type Browser, newBrowser, newPerson } from './support/builders.ts'
import { testDatabase } from './support/database.ts'
import { atTheDoor, comeBack, linkedPerson } from './support/identities.ts'
import { own } from './support/pages.ts'
import { ageSignIn } from './support/passkeys.ts'
import { request } from './support/values.ts'

const database = await testDatabase()
const nobodys = '00000000-0000-4000-8000-000000000000'
const remove = (person: Browser, p_identity_id: string) =>
  own(database, person, 'remove_identity', { p_fresh_seconds: 900, p_identity_id, p_request: request })

async function linked() {
  const { person, identity } = await linkedPerson(database)
  const { identities } = await own(database, person, 'list_passkeys')
  const [listed] = identities as { identity_id: string; issuer: string }[]
  return { person, identity, listed, id: listed?.identity_id ?? '' }
}

test('removed: it signs nobody in any more, and a code links it again', async () => {
  const { person, identity, listed, id } = await linked()
  expect(listed).toMatchObject({ issuer: identity.issuer, email: person.email })
  expect(await remove(person, id)).toEqual({ outcome: 'removed', email: person.email, issuer: identity.issuer })
  expect(await own(database, person, 'list_passkeys')).toMatchObject({ identities: [] })
  const { browser, transaction } = await atTheDoor(database)
  expect(await comeBack(database, browser, transaction.id, identity)).toMatchObject({ outcome: 'confirm' })
  expect(await database.events()).toContain('identity.removed')
})

test('not_found: another person’s, and none', async () => {
  const { person, id } = await linked()
  expect(await remove(await newPerson(database), id)).toEqual({ outcome: 'not_found' })
  expect(await remove(person, nobodys)).toEqual({ outcome: 'not_found' })
})

test('J22 not_fresh: after a sign-in that is too old', async () => {
  const { person, id } = await linked()
  await ageSignIn(database, person)
  expect(await remove(person, id)).toEqual({ outcome: 'not_fresh' })
})

test('sign_in: nobody is signed in', async () => {
  expect(await remove(newBrowser(), nobodys)).toEqual({ outcome: 'sign_in' })
})
