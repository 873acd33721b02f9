import { expect, test } from 'vitest'
import { addKey, addServer, newBrowser, newPerson, type Person, type Server } from './support/builders.ts'
import { approve, connect, exchange, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import { metadataClient, preRegistered } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const other = await addServer(database)
const revoke = (person: Pick<Person, 'session' | 'cookie'>, p_extent: string, p_connection_id: string | null = null) =>
  own(database, person, 'revoke_own_connections', { p_connection_id, p_extent })

/** A person with one client at two servers, and another client at the first of them. */
async function connected() {
  const person = await newPerson(database)
  const loopback = { redirect_uri: 'http://localhost:1/callback' }
  return {
    person,
    here: await connect(database, person, server),
    there: await connect(database, person, other),
    otherClient: await connect(database, person, server, loopback, preRegistered),
  }
}

const live = async (person: Person) => {
  const answer = await own(database, person, 'list_own_connections', { p_after: null, p_limit: 50 })
  return (answer.connections as { connection_id: string }[]).map(({ connection_id }) => connection_id).sort()
}

test('B31 revoked: one, and the next introspection knows it, the next refresh too', async () => {
  const { person, here, there, otherClient } = await connected()
  const key = await addKey(database, server)
  expect(await introspect(database, key, server, here)).toMatchObject({ outcome: 'active' })
  expect(await revoke(person, 'one', here)).toEqual({ outcome: 'revoked', count: 1 })
  expect(await introspect(database, key, server, here)).toMatchObject({ reason: 'connection_revoked' })
  expect(await refresh(database, here, 1)).toMatchObject({ outcome: 'connection_revoked' })
  expect(await live(person)).toEqual([there, otherClient].sort())
  expect(await revoke(person, 'one', here)).toEqual({ outcome: 'revoked', count: 0 })
})

test.each([
  ['client', 2, ['otherClient']],
  ['server', 2, ['there']],
  ['all', 3, []],
] as const)('revoked: all of the same %s, each with its event', async (extent, count, left) => {
  const { person, ...ids } = await connected()
  expect(await revoke(person, extent, extent === 'all' ? null : ids.here)).toEqual({ outcome: 'revoked', count })
  expect(await live(person)).toEqual(left.map((name) => ids[name]))
  const text =
    "select from mcp_data.audit_events where account_id = $1 and event = 'connection.revoked' and reason = 'person'"
  expect(await database.query(text, [person.account_id])).toHaveLength(count)
})

test('a code that is not redeemed yet ends too: nothing comes back', async () => {
  const person = await newPerson(database)
  const pending = await approve(database, person, server)
  expect(await revoke(person, 'all')).toEqual({ outcome: 'revoked', count: 1 })
  expect(await exchange(database, pending)).toMatchObject({ outcome: 'connection_revoked' })
})

test('an ended one may stand for its client, whose others end', async () => {
  const { person, here, otherClient } = await connected()
  await revoke(person, 'one', here)
  expect(await revoke(person, 'client', here)).toEqual({ outcome: 'revoked', count: 1 })
  expect(await live(person)).toEqual([otherClient])
})

test('not_found: another person’s connection, and nothing of theirs ends', async () => {
  const { person } = await connected()
  const victim = await connected()
  for (const extent of ['one', 'client', 'server']) {
    expect(await revoke(person, extent, victim.here)).toEqual({ outcome: 'not_found' })
  }
  expect(await live(victim.person)).toHaveLength(3)
})

test('an extent that is none ends nothing', async () => {
  const { person, here } = await connected()
  expect(await revoke(person, 'everything', here)).toEqual({ outcome: 'revoked', count: 0 })
})

test('sign_in: nobody is signed in', async () => {
  expect(await revoke(newBrowser(), 'all')).toEqual({ outcome: 'sign_in' })
})

test('the client’s own connections at other people stay', async () => {
  const { person, here } = await connected()
  const neighbour = await newPerson(database)
  const theirs = await connect(database, neighbour, server as Server, {}, metadataClient)
  await revoke(person, 'client', here)
  expect(await live(neighbour)).toEqual([theirs])
})
