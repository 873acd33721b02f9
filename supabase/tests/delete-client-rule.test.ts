import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { addRule } from './support/client-rules.ts'
import { connect, introspect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { request } from './support/values.ts'

const database = await testDatabase()
const remove = (p_server_id: string, p_rule_id: unknown, p_caller: unknown) =>
  database.call('delete_client_rule', { p_server_id, p_rule_id, p_caller, p_request: request })

test('deleted: the client may come again, and what was cut stays cut', async () => {
  const server = await addServer(database)
  const key = await addKey(database, server)
  const person = await newPerson(database)
  const cut = await connect(database, person, server)
  const { rule } = (await addRule(database, server, { host: 'app.example' })) as unknown as {
    rule: { rule_id: string }
  }
  expect(await remove(server.server_id, rule.rule_id, server.caller)).toEqual({ outcome: 'deleted' })
  expect(await introspect(database, key, server, cut)).toMatchObject({ reason: 'connection_revoked' })
  const again = await connect(database, person, server)
  expect((await introspect(database, key, server, again)).outcome).toBe('active')
  const [row] = await database.query('select has_client_rules from mcp_data.servers where server_id = $1', [
    server.server_id,
  ])
  expect(row).toEqual({ has_client_rules: false })
  expect(await remove(server.server_id, rule.rule_id, server.caller)).toEqual({ outcome: 'not_found' })
})

test('J4 not_found: a rule of another server, also through one’s own; scope_missing, caller_unknown and sign_in', async () => {
  const { server, owner, caller } = await ownedServer(database)
  const theirs = await addServer(database)
  const { rule } = (await addRule(database, theirs, { host: 'app.example' })) as unknown as {
    rule: { rule_id: string }
  }
  expect(await remove(server.server_id, rule.rule_id, caller)).toEqual({ outcome: 'not_found' })
  expect(await remove(theirs.server_id, rule.rule_id, caller)).toEqual({ outcome: 'not_found' })
  const reader = await ownerCaller(database, owner, ['servers:read'])
  expect(await remove(server.server_id, rule.rule_id, reader)).toEqual({
    outcome: 'scope_missing',
    scope: 'servers:write',
  })
  for (const [, stranger] of strangers)
    expect(await remove(server.server_id, rule.rule_id, stranger)).toEqual({ outcome: 'caller_unknown' })
  expect(await remove(server.server_id, rule.rule_id, sessionCaller({ cookie: '', session: '' }))).toEqual({
    outcome: 'sign_in',
  })
})
