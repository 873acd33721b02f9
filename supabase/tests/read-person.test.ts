import { expect, test } from 'vitest'
import { type Browser, newBrowser, newPerson } from './support/builders.ts'
import { atOneMoment, testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'

const database = await testDatabase()
const read = (person: Browser, p_fresh_seconds: number | null = null, where = database) =>
  own(where, person, 'read_person', { p_fresh_seconds })

test('found: whoever is signed in, and a use of the session', async () => {
  const person = await newPerson(database)
  await database.passTime(43_000)
  expect(await read(person)).toEqual({ outcome: 'found', email: person.email })
  await database.passTime(43_000)
  expect(await read(person)).toMatchObject({ outcome: 'found' })
})

test('J22 not_fresh: 15 minutes after the sign-in, however much the session was used', async () => {
  await atOneMoment(database, async (still) => {
    const person = await newPerson(still)
    await still.passTime(900)
    expect(await read(person, 900, still)).toMatchObject({ outcome: 'found' })
    await still.passTime(1)
    expect(await read(person, 900, still)).toEqual({ outcome: 'not_fresh' })
    expect(await read(person, null, still)).toMatchObject({ outcome: 'found' })
  })
})

test('sign_in: nobody, an idle session, a disabled account (M12)', async () => {
  expect(await read(newBrowser(), 900)).toEqual({ outcome: 'sign_in' })
  const idle = await newPerson(database)
  await database.passTime(43_201)
  expect(await read(idle)).toEqual({ outcome: 'sign_in' })
  const disabled = await newPerson(database)
  await database.query(
    "update mcp_data.accounts set disabled_at = now(), disabled_reason = 'x' where account_id = $1",
    [disabled.account_id],
  )
  expect(await read(disabled)).toEqual({ outcome: 'sign_in' })
})
