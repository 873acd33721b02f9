import { expect, test } from 'vitest'
import { addKey, addServer, newBrowser, newPerson } from './support/builders.ts'
import { approve, connect, introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import { issuer, metadataClient, preRegistered } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database, { server_name: 'Team files' })
const list = (person: { session: string; cookie: string }, p_after: string | null = null, p_limit = 50) =>
  own(database, person, 'list_own_connections', { p_after, p_limit })
type Row = { connection_id: string; [member: string]: unknown }
const rowsOf = async (...args: Parameters<typeof list>) => (await list(...args)).connections as Row[]

test('B31 found: each connection with client, server, scopes, what is shared, and where it was approved', async () => {
  const person = await newPerson(database)
  const connection_id = await connect(database, person, server)
  const answer = await list(person)
  const now = expect.any(Number)
  expect(answer).toEqual({
    outcome: 'found',
    email: person.email,
    connections: [
      {
        connection_id,
        client: metadataClient,
        redirect_uri: 'https://app.example/callback',
        resource_kind: 'server',
        resource: server.server_url,
        server_name: 'Team files',
        scopes: ['files:read', 'base'],
        email_shared: true,
        suspended: false,
        first_used_at_seconds: now,
        last_used_at_seconds: now,
        idle_expires_at_seconds: now,
        expires_at_seconds: now,
        user_agent: 'test',
      },
    ],
  })
})

test('the last used comes first, and a page ends with where the next begins', async () => {
  const person = await newPerson(database)
  const made: string[] = []
  for (let number = 0; number < 5; number++) made.push(await connect(database, person, server))
  await database.query(
    "update mcp_data.connections set last_used_at = now() + interval '1 hour' where connection_id = $1",
    [made[2]],
  )
  const pages: string[][] = []
  let next: string | null = null
  do {
    const answer = await list(person, next, 2)
    pages.push((answer.connections as Row[]).map(({ connection_id }) => connection_id))
    next = (answer.next as string | undefined) ?? null
  } while (next !== null)
  expect(pages.map((page) => page.length)).toEqual([2, 2, 1])
  expect(pages[0]?.[0]).toBe(made[2])
  expect(new Set(pages.flat())).toEqual(new Set(made))
})

test('what is worth nothing is not there: not redeemed, ended, idle, without refresh tokens after an hour, other people’s', async () => {
  const person = await newPerson(database)
  await approve(database, person, server)
  const ended = await connect(database, person, server)
  await database.query(
    "update mcp_data.connections set revoked_at = now(), revoked_reason = 'x' where connection_id = $1",
    [ended],
  )
  await connect(database, await newPerson(database), server)
  expect(await rowsOf(person)).toEqual([])
  const short = await connect(database, person, server, {}, { ...metadataClient, grant_types: ['authorization_code'] })
  expect((await rowsOf(person)).map(({ connection_id }) => connection_id)).toEqual([short])
  await database.passTime(3601)
  expect(await rowsOf(person)).toEqual([])
})

test('a use at introspection is seen at most a minute later (one database call)', async () => {
  const person = await newPerson(database)
  const connectionId = await connect(database, person, server)
  const key = await addKey(database, server)
  const used = async () => Number((await rowsOf(person))[0]?.last_used_at_seconds)
  await database.passTime(61)
  const before = await used()
  await introspect(database, key, server, connectionId)
  expect((await used()) - before).toBeGreaterThan(60)
})

test('connections to our own API and to nothing but identity are there too', async () => {
  const person = await newPerson(database)
  const loopback = { redirect_uri: 'http://localhost:1/callback' }
  await connect(database, person, { server_url: issuer }, { scope: ['openid', 'email'] })
  await connect(
    database,
    person,
    { server_url: `${issuer}/api` },
    { scope: ['servers:read'], ...loopback },
    preRegistered,
  )
  expect(await rowsOf(person)).toMatchObject([
    { resource_kind: 'management', scopes: ['servers:read'], client: { client_name: 'Claude Code' } },
    { resource_kind: 'identity', scopes: ['openid', 'email'], email_shared: false },
  ])
})

test('sign_in: nobody is signed in', async () => {
  expect(await list(newBrowser())).toEqual({ outcome: 'sign_in' })
})
