import { expect, test } from 'vitest'
import { addServer, newBrowser, newPerson } from './support/builders.ts'
import { ownerCaller } from './support/callers.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import { catalogue, request, serverId } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const exportOf = (person: { session: string; cookie: string }) => own(database, person, 'export_own_account')

test('exported: account, servers, sessions, connections (ended ones too) and events', async () => {
  const person = await newPerson(database)
  const ended = await connect(database, person, server)
  await own(database, person, 'revoke_own_connections', { p_connection_id: ended, p_extent: 'one' })
  await connect(database, person, server)
  await database.call('register_server', {
    p_server_id: serverId(),
    p_server: { server_url: 'https://mine.example/mcp', server_name: 'Mine', scopes: catalogue },
    p_status: 'pending',
    p_management: null,
    p_caller: await ownerCaller(database, person),
    p_limits: { servers: 20 },
    p_request: request,
  })
  const answer = await exportOf(person)
  expect(answer).toMatchObject({
    outcome: 'exported',
    account: { account_id: person.account_id, email: person.email },
    servers: [{ server_url: 'https://mine.example/mcp' }],
  })
  const connections = answer.connections as { revoked_reason: string | null }[]
  expect(connections.map(({ revoked_reason }) => revoked_reason).sort()).toEqual([null, null, 'person'])
  expect((answer.events as unknown[]).length).toBeGreaterThan(4)
})

test('it holds no digest, no secret and nothing of other people', async () => {
  const person = await newPerson(database)
  const other = await newPerson(database)
  await connect(database, person, server)
  await connect(database, other, server)
  // By name: a random id may hold the three letters of a kid.
  const names = new Set<string>()
  const text = JSON.stringify(await exportOf(person), (name, value) => {
    names.add(name)
    return value
  })
  expect([...names].filter((name) => /digest|ciphertext|kid|challenge/.test(name))).toEqual([])
  expect(text).not.toMatch(/\\\\x/)
  expect(text).not.toContain(other.email)
  expect(text).not.toContain(other.account_id)
})

test('sign_in: nobody is signed in', async () => {
  expect(await exportOf(newBrowser())).toEqual({ outcome: 'sign_in' })
})
