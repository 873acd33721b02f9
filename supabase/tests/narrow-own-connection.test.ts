import { expect, test } from 'vitest'
import { addKey, addServer, newBrowser, newPerson, open, type Person } from './support/builders.ts'
import { connect, freshSession, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import { issuer } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const key = await addKey(database, server)
const asked = { scope: ['files:read', 'files:write', 'openid'] }
const narrow = (person: Pick<Person, 'session' | 'cookie'>, p_connection_id: string, p_scopes: string[]) =>
  own(database, person, 'narrow_own_connection', { p_connection_id, p_scopes })

async function connected() {
  const person = await newPerson(database)
  return { person, id: await connect(database, person, server, asked) }
}

test('narrowed: the next introspection answers the narrower scope, and no refresh brings it back', async () => {
  const { person, id } = await connected()
  expect(await introspect(database, key, server, id)).toMatchObject({ scopes: ['files:read', 'files:write', 'base'] })
  expect(await narrow(person, id, ['files:read'])).toEqual({
    outcome: 'narrowed',
    scopes: ['files:read', 'base', 'openid'],
  })
  expect(await introspect(database, key, server, id)).toMatchObject({
    outcome: 'active',
    scopes: ['files:read', 'base'],
  })
  const refreshed = await refresh(database, id, 1)
  expect(refreshed).toMatchObject({ outcome: 'rotated', connection: { scopes: ['files:read', 'base', 'openid'] } })
  expect(await refresh(database, id, 2, { p_scope: ['files:write'] })).toMatchObject({
    connection: { scopes: ['files:read', 'base', 'openid'] },
  })
  expect(await refresh(database, id, 1)).toMatchObject({ outcome: 'refresh_reused' })
})

test('a retry with the predecessor answers the narrower scope too (G4)', async () => {
  const { person, id } = await connected()
  await refresh(database, id, 1)
  await narrow(person, id, ['files:read'])
  expect(await refresh(database, id, 1)).toMatchObject({
    outcome: 'retried',
    connection: { scopes: ['files:read', 'base', 'openid'] },
  })
})

test('B14 what was taken away is asked about again, although the consent is remembered', async () => {
  const { person, id } = await connected()
  const again = async () => {
    const browser = await freshSession(database, person)
    return (await open(database, browser, { resource: server.server_url, redirect_trust: 'proven', ...asked })).outcome
  }
  await narrow(person, id, ['files:read'])
  expect(await again()).toBe('consent')
})

test('what the server requires stays, and so does identity', async () => {
  const { person, id } = await connected()
  expect(await narrow(person, id, [])).toEqual({ outcome: 'narrowed', scopes: ['base', 'openid'] })
  const text =
    "select detail from mcp_data.audit_events where connection_id = $1 and event = 'consent.narrowed' and reason = 'person'"
  expect(await database.query(text, [id])).toEqual([
    { detail: { before: ['files:read', 'files:write', 'base', 'openid'], scopes: ['base', 'openid'] } },
  ])
})

test('narrowing to what it has changes nothing and writes no event', async () => {
  const { person, id } = await connected()
  expect(await narrow(person, id, ['files:read', 'files:write'])).toMatchObject({ outcome: 'narrowed' })
  const text = "select from mcp_data.audit_events where connection_id = $1 and event = 'consent.narrowed'"
  expect(await database.query(text, [id])).toEqual([])
})

test('revoked: with no scope of the server left the connection ends', async () => {
  const free = await addServer(database, { scopes: [{ name: 'a', description: 'A', required: false, default: true }] })
  const person = await newPerson(database)
  const id = await connect(database, person, free, { scope: ['a', 'openid'] })
  expect(await narrow(person, id, [])).toEqual({ outcome: 'revoked' })
  expect(await refresh(database, id, 1)).toMatchObject({ outcome: 'connection_revoked' })
})

test('a connection for identity alone, and one without any scope, have nothing to take away', async () => {
  const person = await newPerson(database)
  const identity = await connect(database, person, { server_url: issuer }, { scope: ['openid'] })
  expect(await narrow(person, identity, [])).toEqual({ outcome: 'narrowed', scopes: ['openid'] })
  const bare = await connect(database, person, await addServer(database, { scopes: [] }), { scope: [] })
  expect(await narrow(person, bare, [])).toEqual({ outcome: 'narrowed', scopes: [] })
})

test('management scopes narrow as well', async () => {
  const person = await newPerson(database)
  const scope = ['servers:read', 'keys:write']
  const id = await connect(database, person, { server_url: `${issuer}/api` }, { scope })
  expect(await narrow(person, id, ['servers:read'])).toEqual({ outcome: 'narrowed', scopes: ['servers:read'] })
})

test('B32 scope_not_granted: nothing is added this way', async () => {
  const person = await newPerson(database)
  const id = await connect(database, person, server)
  expect(await narrow(person, id, ['files:read', 'files:write'])).toEqual({ outcome: 'scope_not_granted' })
  expect(await introspect(database, key, server, id)).toMatchObject({ scopes: ['files:read', 'base'] })
})

test('not_found: another person’s, an unknown one, one that has ended', async () => {
  const { person, id } = await connected()
  const theirs = (await connected()).id
  await own(database, person, 'revoke_own_connections', { p_connection_id: id, p_extent: 'one' })
  for (const one of [theirs, 'x', id]) expect(await narrow(person, one, [])).toEqual({ outcome: 'not_found' })
})

test('sign_in: nobody is signed in', async () => {
  expect(await narrow(newBrowser(), 'x', [])).toEqual({ outcome: 'sign_in' })
})
