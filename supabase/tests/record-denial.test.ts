import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, personalCaller } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { request } from './support/values.ts'

const database = await testDatabase()
const deny = (p_caller: unknown, p_reason = 'management_scope_missing', p_asked = 'keys:write') =>
  database.call('record_denial', { p_caller, p_reason, p_asked, p_request: request })
const denials = (column: string, value: unknown) =>
  database.query(
    `select reason, account_id, client_id, server_id, connection_id, detail from mcp_data.audit_events
     where event = 'management.denied' and ${column} = $1`,
    [value],
  )

test('recorded: an owner’s token with its account, client and connection (SECURITY §28)', async () => {
  const owner = await newPerson(database)
  const caller = await ownerCaller(database, owner, ['servers:read'])
  expect(await deny(caller)).toEqual({ outcome: 'recorded' })
  expect(await denials('account_id', owner.account_id)).toEqual([
    {
      reason: 'management_scope_missing',
      account_id: owner.account_id,
      client_id: 'https://app.example/client.json',
      server_id: null,
      connection_id: caller.connection_id,
      detail: { asked: 'keys:write' },
    },
  ])
})

test('recorded: a management token with its own server, whatever server it asked for', async () => {
  const server = await addServer(database)
  const other = await addServer(database)
  expect(await deny(server.caller, 'server_not_found', other.server_id)).toEqual({ outcome: 'recorded' })
  expect(await denials('server_id', server.server_id)).toMatchObject([{ detail: { asked: other.server_id } }])
  expect(await denials('server_id', other.server_id)).toEqual([])
})

test('limited: the eleventh in a minute of one caller', async () => {
  const server = await addServer(database)
  for (let asked = 0; asked < 10; asked++) expect(await deny(server.caller)).toEqual({ outcome: 'recorded' })
  expect(await deny(server.caller)).toEqual({ outcome: 'limited' })
  expect(await denials('server_id', server.server_id)).toHaveLength(10)
})

test('recorded: a personal token with its account (J19)', async () => {
  const person = await newPerson(database)
  const caller = await personalCaller(database, person, { scopes: ['servers:read'] })
  expect(await deny(caller, 'management_scope_missing', 'keys:write')).toEqual({ outcome: 'recorded' })
  expect(await denials('account_id', person.account_id)).toMatchObject([{ detail: { asked: 'keys:write' } }])
})
