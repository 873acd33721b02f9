import { expect, test } from 'vitest'
import { addServer, newBrowser, newPerson } from './support/builders.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'

const database = await testDatabase()
const server = await addServer(database, { server_name: 'Team files' })
const list = (person: { session: string; cookie: string }, p_before: string | null = null, p_limit = 50) =>
  own(database, person, 'list_own_events', { p_before, p_limit })
type Event = { event: string; [member: string]: unknown }

test('found: what happened to the person, newest first, with the names of client and server', async () => {
  const person = await newPerson(database)
  const connectionId = await connect(database, person, server)
  await own(database, person, 'revoke_own_connections', { p_connection_id: connectionId, p_extent: 'one' })
  const answer = await list(person)
  const events = answer.events as Event[]
  expect([answer.email, events.map(({ event }) => event)]).toEqual([
    person.email,
    ['connection.revoked', 'authorization_code.redeemed', 'consent.granted', 'session.created'],
  ])
  expect(events[0]).toMatchObject({ reason: 'person', client_name: 'App', server_name: 'Team files' })
  expect(events[2]).toMatchObject({ scopes: ['files:read', 'base'], ip: '192.0.2.1', user_agent: 'test' })
})

test('a page ends with where the next begins, and no event is lost or told twice', async () => {
  const person = await newPerson(database)
  for (let number = 0; number < 4; number++) await connect(database, person, server)
  const all = ((await list(person)).events as Event[]).length
  const seen: Event[] = []
  let next: string | null = null
  do {
    const answer = await list(person, next, 3)
    seen.push(...(answer.events as Event[]))
    next = (answer.next as string | undefined) ?? null
  } while (next !== null)
  expect(seen).toHaveLength(all)
})

test('events of one moment are told apart', async () => {
  const person = await newPerson(database)
  await database.query(
    `insert into mcp_data.audit_events (event, account_id, occurred_at)
     select 'code.sent', $1, date_trunc('month', now()) + interval '1 day 0.123457 seconds' from generate_series(1, 5)`,
    [person.account_id],
  )
  const seen = new Set<string>()
  let next: string | null = null
  let pages = 0
  do {
    const answer = await list(person, next, 2)
    next = (answer.next as string | undefined) ?? null
    if (next !== null) seen.add(next)
    pages += 1
  } while (next !== null)
  expect([pages, seen.size]).toEqual([3, 2])
})

test('nothing of other people', async () => {
  const person = await newPerson(database)
  await connect(database, await newPerson(database), server)
  expect(((await list(person)).events as Event[]).map(({ event }) => event)).toEqual(['session.created'])
})

test('sign_in: nobody is signed in', async () => {
  expect(await list(newBrowser())).toEqual({ outcome: 'sign_in' })
})
