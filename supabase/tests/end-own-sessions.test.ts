import { expect, test } from 'vitest'
import { newBrowser, newPerson, type Person } from './support/builders.ts'
import { freshSession } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import { digest } from './support/values.ts'

const database = await testDatabase()
const end = (person: Pick<Person, 'session' | 'cookie'>, p_extent: string, p_session_id: string | null = null) =>
  own(database, person, 'end_own_sessions', { p_session_id, p_extent })
const isLive = async (person: Person) => (await own(database, person, 'list_own_sessions')).outcome === 'found'
const idOf = async ({ session }: Person) => {
  const text = 'select session_id from mcp_data.sessions where session_digest = $1::bytea'
  return String((await database.query(text, [digest(session)]))[0]?.session_id)
}

async function threeSessions() {
  const person = await newPerson(database)
  return [person, await freshSession(database, person), await freshSession(database, person)] as const
}

test('B9 ended: one other session, and no more', async () => {
  const [here, there, third] = await threeSessions()
  expect(await end(here, 'one', await idOf(there))).toEqual({ outcome: 'ended', count: 1 })
  expect([await isLive(here), await isLive(there), await isLive(third)]).toEqual([true, false, true])
})

test('B9 ended: all others, and the devices of before are forgotten (C7)', async () => {
  const [here, there, third] = await threeSessions()
  expect(await end(here, 'others')).toEqual({ outcome: 'ended', count: 2 })
  expect([await isLive(here), await isLive(there), await isLive(third)]).toEqual([true, false, false])
  const text = 'select devices_forgotten_at is not null as forgotten from mcp_data.accounts where account_id = $1'
  expect(await database.query(text, [here.account_id])).toEqual([{ forgotten: true }])
})

test('B9 ended: all, everywhere, each with its event', async () => {
  const [here, there, third] = await threeSessions()
  expect(await end(here, 'all')).toEqual({ outcome: 'ended', count: 3 })
  expect([await isLive(here), await isLive(there), await isLive(third)]).toEqual([false, false, false])
  const text = "select from mcp_data.audit_events where account_id = $1 and event = 'session.ended'"
  expect(await database.query(text, [here.account_id])).toHaveLength(3)
})

test('not_found: another person’s session, and it lives on', async () => {
  const [here] = await threeSessions()
  const victim = await newPerson(database)
  expect(await end(here, 'one', await idOf(victim))).toEqual({ outcome: 'not_found' })
  expect(await isLive(victim)).toBe(true)
})

test('sign_in: nobody is signed in', async () => {
  expect(await end(newBrowser(), 'all')).toEqual({ outcome: 'sign_in' })
})
