import { expect, test } from 'vitest'
import { addServer, newPerson, type Server } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { approve, connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { metadataClient } from './support/values.ts'

const database = await testDatabase()
type Found = { connections: Record<string, unknown>[]; next?: string }
const list = async (server: Server, changes: Record<string, unknown> = {}) =>
  (await database.call('list_server_connections', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_before: null,
    p_limit: 50,
    ...changes,
  })) as Found & { outcome: string }

test('found: who is connected, with what introspection says of them and no more', async () => {
  const server = await addServer(database)
  const person = await newPerson(database)
  const connection_id = await connect(database, person, server)
  const { connections, next } = await list(server)
  expect(connections).toMatchObject([
    {
      connection_id,
      client_id: metadataClient.client_id,
      client_name: 'App',
      client_kind: 'metadata_document',
      sub: person.account_id,
      email: person.email,
      scopes: ['files:read', 'base'],
      suspended: false,
    },
  ])
  expect(next).toBeUndefined()
  for (const secret of ['ip', 'user_agent', 'country', 'redirect_uri', 'code_digest'])
    expect(connections[0]).not.toHaveProperty(secret)
})

test('J26 found: no address where the server registered without it, nor where the person was not told', async () => {
  const silent = await addServer(database, { share_email: false })
  await connect(database, await newPerson(database), silent)
  await database.query('update mcp_data.servers set share_email = true where server_id = $1', [silent.server_id])
  await connect(database, await newPerson(database), silent)
  const { connections } = await list(silent)
  expect(connections.map((connection) => 'email' in connection)).toEqual([true, false])
})

test('found: not what was never redeemed, was revoked or has expired', async () => {
  const server = await addServer(database)
  const person = await newPerson(database)
  await approve(database, person, server)
  const revoked = await connect(database, person, server)
  await database.query(
    "update mcp_data.connections set revoked_at = now(), revoked_reason = 'x' where connection_id = $1",
    [revoked],
  )
  const expired = await connect(database, person, server)
  await database.query(
    "update mcp_data.connections set created_at = now() - interval '2 days', refresh_expires_at = now() - interval '1 second' where connection_id = $1",
    [expired],
  )
  expect((await list(server)).connections).toEqual([])
})

test('found: page after page, each connection once', async () => {
  const server = await addServer(database)
  const person = await newPerson(database)
  const made: string[] = []
  for (let count = 0; count < 5; count += 1) made.unshift(await connect(database, person, server))
  // Equal moments are told apart by the id.
  await database.query(
    'update mcp_data.connections set created_at = (select min(created_at) from mcp_data.connections where server_id = $1) where server_id = $1',
    [server.server_id],
  )
  const seen: unknown[] = []
  let before: string | undefined
  do {
    const page = await list(server, { p_before: before ?? null, p_limit: 2 })
    seen.push(...page.connections.map(({ connection_id }) => connection_id))
    before = page.next
  } while (before !== undefined)
  expect(seen).toHaveLength(5)
  expect(new Set(seen)).toEqual(new Set(made))
})

test('J3 not_found, scope_missing, caller_unknown and sign_in', async () => {
  const { server, owner } = await ownedServer(database)
  expect(await list(server, { p_caller: (await addServer(database)).caller })).toEqual({ outcome: 'not_found' })
  const p_caller = await ownerCaller(database, owner, ['servers:write'])
  expect(await list(server, { p_caller })).toEqual({ outcome: 'scope_missing', scope: 'servers:read' })
  for (const [, stranger] of strangers)
    expect(await list(server, { p_caller: stranger })).toEqual({ outcome: 'caller_unknown' })
  const nobody = sessionCaller({ cookie: '', session: 'none' })
  expect(await list(server, { p_caller: nobody })).toEqual({ outcome: 'sign_in' })
})
