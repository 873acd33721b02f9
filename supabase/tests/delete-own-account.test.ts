import { expect, test } from 'vitest'
import { addKey, addServer, newBrowser, newPerson, signIn } from './support/builders.ts'
import { ownerCaller } from './support/callers.ts'
import { connect, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import { request } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const remove = (person: { session: string; cookie: string }) =>
  own(database, person, 'delete_own_account', { p_fresh_seconds: 900, p_request: request })

test('M18 deleted: sessions, connections and account are gone at once', async () => {
  const person = await newPerson(database)
  const key = await addKey(database, server)
  const connectionId = await connect(database, person, server)
  expect(await remove(person)).toEqual({ outcome: 'deleted', email: person.email })
  expect(await introspect(database, key, server, connectionId)).toMatchObject({ outcome: 'inactive' })
  expect(await refresh(database, connectionId, 1)).toMatchObject({ outcome: 'refresh_unknown' })
  expect(await own(database, person, 'list_own_sessions')).toEqual({ outcome: 'sign_in' })
  expect(await remove(person)).toEqual({ outcome: 'sign_in' })
})

test('M18 what stays is in the audit log: the account’s id, the end of each connection, and no e-mail', async () => {
  const person = await newPerson(database)
  await connect(database, person, server)
  await remove(person)
  const text = 'select event, reason, to_jsonb(e)::text as whole from mcp_data.audit_events e where account_id = $1'
  const events = await database.query(text, [person.account_id])
  const told = events.map(({ event, reason }) => `${event} ${reason ?? ''}`.trim())
  expect(told).toEqual(expect.arrayContaining(['connection.revoked account_deleted', 'account.deleted']))
  expect(events.map(({ whole }) => whole).join()).not.toContain(person.email)
})

test('M18 the e-mail is nowhere any more, in no table', async () => {
  const person = await newPerson(database)
  await connect(database, person, server)
  await remove(person)
  const tables = await database.query(
    "select relname from pg_class where relnamespace = 'mcp_data'::regnamespace and relkind = 'r' and not relispartition",
  )
  for (const { relname } of tables) {
    const found = await database.query(`select from mcp_data.${relname} t where to_jsonb(t)::text like $1`, [
      `%${person.email}%`,
    ])
    expect(found, String(relname)).toEqual([])
  }
})

test('servers of the account end with it, for everybody connected to them', async () => {
  const owner = await newPerson(database)
  const owned = await addServer(database)
  const key = await addKey(database, owned)
  await database.query('update mcp_data.servers set owner_account_id = $1 where server_id = $2', [
    owner.account_id,
    owned.server_id,
  ])
  const guest = await newPerson(database)
  const connectionId = await connect(database, guest, owned)
  await remove(owner)
  expect(await introspect(database, key, owned, connectionId)).toMatchObject({ outcome: 'key_refused' })
  expect((await own(database, guest, 'list_own_connections', { p_after: null, p_limit: 9 })).connections).toEqual([])
  const text = 'select status, owner_account_id from mcp_data.servers where server_id = $1'
  expect(await database.query(text, [owned.server_id])).toEqual([{ status: 'deleted', owner_account_id: null }])
})

test('an owner’s access token ends with the account', async () => {
  const owner = await newPerson(database)
  const caller = await ownerCaller(database, owner)
  await remove(owner)
  expect(await database.call('list_servers', { p_caller: caller })).toEqual({ outcome: 'caller_unknown' })
})

test('C12 signing in again makes a new account with a new id', async () => {
  const person = await newPerson(database)
  await remove(person)
  const again = await signIn(database, newBrowser(), person.email)
  expect(again.account_id).not.toBe(person.account_id)
})

test('J22 not_fresh: a sign-in older than 15 minutes is not enough, and nothing happens', async () => {
  const person = await newPerson(database)
  await database.passTime(901)
  expect(await remove(person)).toEqual({ outcome: 'not_fresh' })
  expect(await own(database, person, 'list_own_sessions')).toMatchObject({ outcome: 'found' })
})

test('sign_in: nobody is signed in', async () => {
  expect(await remove(newBrowser())).toEqual({ outcome: 'sign_in' })
})
