import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { serverId } from './support/values.ts'

const database = await testDatabase()
const update = (p_server_id: string, p_caller: Record<string, unknown> | null, p_changes: Record<string, unknown>) =>
  database.call('update_server', { p_server_id, p_caller, p_changes })

test('updated: the members that are given, and no other', async () => {
  const server = await addServer(database, { description: 'old', token_lifetime_seconds: 600 })
  const scopes = [{ name: 'new', description: 'New', required: true, default: true }]
  const changes = {
    server_name: 'Better',
    description: null,
    scopes,
    client_policy: 'pre_registered',
    token_lifetime_seconds: null,
  }
  const answer = await update(server.server_id, server.caller, changes)
  expect(answer).toMatchObject({
    outcome: 'updated',
    server: { server_name: 'Better', scopes, client_policy: 'pre_registered', share_email: true },
  })
  expect(answer).not.toHaveProperty('server.description')
  expect(answer).not.toHaveProperty('server.token_lifetime_seconds')
  expect(await database.events()).toContain('scopes.changed')
  expect(await update(server.server_id, server.caller, {})).toMatchObject({ server: { server_name: 'Better' } })
})

test('J18 J7 server_url, status and owner cannot be changed', async () => {
  const server = await addServer(database, {}, 'pending')
  const forged = {
    server_url: 'https://victim.example/mcp',
    status: 'verified',
    owner_account_id: 'x',
    server_id: serverId(),
  }
  expect(await update(server.server_id, server.caller, forged)).toMatchObject({
    server: { server_id: server.server_id, server_url: server.server_url, status: 'pending', owner: false },
  })
})

test("J3 not_found: another owner's server is as unknown as none", async () => {
  const server = await addServer(database)
  const others = [(await addServer(database)).caller, await ownerCaller(database, await newPerson(database))]
  for (const caller of others)
    expect(await update(server.server_id, caller, { server_name: 'x' })).toEqual({ outcome: 'not_found' })
  expect(await update(serverId(), server.caller, {})).toEqual({ outcome: 'not_found' })
})

test('caller_unknown and scope_missing', async () => {
  const server = await addServer(database)
  for (const [, caller] of strangers)
    expect(await update(server.server_id, caller, {})).toEqual({ outcome: 'caller_unknown' })
  const caller = await ownerCaller(database, await newPerson(database), ['servers:read'])
  expect(await update(server.server_id, caller, {})).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
})

test('limited: the 61st change an hour (SECURITY "Limits")', async () => {
  const server = await addServer(database)
  for (let n = 0; n < 60; n++)
    expect(await update(server.server_id, server.caller, {})).toMatchObject({ outcome: 'updated' })
  expect(await update(server.server_id, server.caller, {})).toMatchObject({
    outcome: 'limited',
    reason: 'writes_per_hour',
  })
  await database.passTime(3601)
  expect(await update(server.server_id, server.caller, {})).toMatchObject({ outcome: 'updated' })
})
