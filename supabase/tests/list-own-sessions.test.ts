import { expect, test } from 'vitest'
import { newBrowser, newPerson } from './support/builders.ts'
import { freshSession } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'

const database = await testDatabase()
type Session = { current: boolean; [member: string]: unknown }
const list = (person: { session: string; cookie: string }) => own(database, person, 'list_own_sessions')

test('found: the live sessions of the person, with the caller’s own marked', async () => {
  const person = await newPerson(database)
  const second = await freshSession(database, person)
  await newPerson(database)
  const answer = await list(second)
  const sessions = answer.sessions as Session[]
  expect([answer.email, sessions.length]).toEqual([person.email, 2])
  expect(sessions.filter(({ current }) => current)).toHaveLength(1)
  expect(sessions.find(({ user_agent }) => user_agent === 'test')).toMatchObject({
    current: false,
    auth_method: 'email_code',
  })
})

test('ended, idle and expired ones are not there', async () => {
  const person = await newPerson(database)
  const ages = ['ended_at = now()', "expires_at = now() - interval '1 second', created_at = now() - interval '8 days'"]
  for (const change of [...ages, "last_used_at = now() - interval '12 hours 1 minute'"]) {
    const other = await freshSession(database, person)
    await database.query(
      `update mcp_data.sessions set ${change} where session_digest = sha256(convert_to($1, 'UTF8'))`,
      [other.session],
    )
  }
  expect((await list(person)).sessions).toHaveLength(1)
})

test('sign_in: nobody is signed in', async () => {
  expect(await list(newBrowser())).toEqual({ outcome: 'sign_in' })
})
