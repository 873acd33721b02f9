import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { connect, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { metadataClient, preRegistered } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const key = await addKey(database, server)
const person = await newPerson(database)
const connected = (authorization: Record<string, unknown> = {}) => connect(database, person, server, authorization)

test('G7 client_mismatch: another client presents it; the connection stays, an event tells', async () => {
  const connectionId = await connected()
  expect(await refresh(database, connectionId, 1, { p_client_id: 'client_claude_code' })).toEqual({
    outcome: 'client_mismatch',
  })
  const events = await database.query('select reason from mcp_data.audit_events where connection_id = $1', [
    connectionId,
  ])
  expect(events).toContainEqual({ reason: 'client_mismatch' })
  expect(await refresh(database, connectionId, 1)).toMatchObject({ outcome: 'rotated' })
})

test('G8 a wider scope is narrowed to the grant, a narrower one holds for this access token only', async () => {
  const connectionId = await connected({ scope: ['files:read', 'openid'] })
  const scopes = async (generation: number, p_scope: string[]) =>
    ((await refresh(database, connectionId, generation, { p_scope })).connection as { scopes: string[] }).scopes
  expect(await scopes(1, ['files:read', 'files:write', 'openid', 'admin'])).toEqual(['files:read', 'openid'])
  expect(await scopes(2, ['openid'])).toEqual(['openid'])
  expect(await scopes(3, ['files:write'])).toEqual(['files:read', 'base', 'openid'])
  expect(await scopes(4, [])).toEqual(['files:read', 'base', 'openid'])
})

test('G9 resource_mismatch: another resource; the token is not rotated', async () => {
  const connectionId = await connected()
  expect(await refresh(database, connectionId, 1, { p_resource_candidates: ['https://other.example/mcp'] })).toEqual({
    outcome: 'resource_mismatch',
  })
  expect(await refresh(database, connectionId, 1, { p_resource_candidates: [server.server_url] })).toMatchObject({
    outcome: 'rotated',
  })
})

test('G10 a scope that the owner removed is gone from the next access token', async () => {
  const shrinking = await addServer(database)
  const connectionId = await connect(database, person, shrinking)
  await database.call('update_server', {
    p_server_id: shrinking.server_id,
    p_caller: shrinking.caller,
    p_changes: { scopes: [{ name: 'base', description: '', required: true, default: true }] },
  })
  expect(await refresh(database, connectionId, 1)).toMatchObject({ connection: { scopes: ['base'] } })
})

test('G11 refresh_expired: after 30 idle days, and after 90 days in use', async () => {
  const idle = await connected()
  await database.passTime(30 * 86_400 + 1)
  expect(await refresh(database, idle, 1)).toEqual({ outcome: 'refresh_expired' })
  const browser = await newPerson(database)
  const busy = await connect(database, browser, server)
  for (let generation = 1; generation <= 4; generation++) {
    await database.passTime(22 * 86_400)
    expect(await refresh(database, busy, generation)).toMatchObject({ outcome: 'rotated' })
  }
  await database.passTime(2 * 86_400 + 1)
  expect(await refresh(database, busy, 5)).toEqual({ outcome: 'refresh_expired' })
})

test('G13 account_disabled, client_blocked, server_unavailable, connection_revoked: all in the same call', async () => {
  const cases: [string, string][] = [
    ['account_disabled', 'update mcp_data.accounts set disabled_at = now() where account_id = $1'],
    ['client_blocked', 'update mcp_data.clients set blocked_at = now() where client_id = $1'],
    ['server_unavailable', "update mcp_data.servers set status = 'suspended' where server_id = $1"],
    ['client_not_allowed', "update mcp_data.servers set client_policy = 'not_dynamic' where server_id = $1"],
  ]
  const dynamic = { ...metadataClient, client_id: 'dcr_1', kind: 'dynamic' }
  const clients = [metadataClient, preRegistered, metadataClient, dynamic]
  for (const [index, [outcome, sql]] of cases.entries()) {
    const victim = await newPerson(database)
    const target = await addServer(database)
    const client = clients[index] ?? metadataClient
    const connectionId = await connect(database, victim, target, {}, client)
    const subjects = [victim.account_id, client.client_id, target.server_id, target.server_id]
    await database.query(sql, [subjects[index]])
    expect(await refresh(database, connectionId, 1, { p_client_id: client.client_id })).toEqual({ outcome })
  }
})

test('G14 M12 raising the issuer epoch ends every connection', async () => {
  const connectionId = await connected()
  await database.query('update mcp_data.settings set issuer_epoch = issuer_epoch + 1')
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'connection_revoked' })
  expect(await introspect(database, key, server, connectionId, { p_epoch: 2 })).toMatchObject({ outcome: 'inactive' })
  const later = await connected()
  expect(await refresh(database, later, 1)).toMatchObject({ connection: { epoch: 2 } })
})

test('G15 limited: the eleventh use in a minute, and nothing is consumed by it', async () => {
  const connectionId = await connected()
  for (let generation = 1; generation <= 10; generation++) {
    expect(await refresh(database, connectionId, generation)).toMatchObject({ outcome: 'rotated' })
  }
  const answer = await refresh(database, connectionId, 11)
  expect(answer).toMatchObject({ outcome: 'limited' })
  expect(Number(answer.retry_after_seconds)).toBeGreaterThan(0)
  await database.passTime(61)
  expect(await refresh(database, connectionId, 11)).toMatchObject({ outcome: 'rotated' })
})

test('G15 limited: a storm with a dead token', async () => {
  const connectionId = await connected()
  await database.query(
    "update mcp_data.connections set revoked_at = now(), revoked_reason = 'test' where connection_id = $1",
    [connectionId],
  )
  for (let n = 0; n < 10; n++)
    expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'connection_revoked' })
  expect(await refresh(database, connectionId, 1)).toMatchObject({ outcome: 'limited' })
})

test('G16 two authorizations of one client are two connections', async () => {
  const [phone, laptop] = [await connected(), await connected()]
  await database.call('revoke_token', {
    p_client_id: metadataClient.client_id,
    p_connection_id: phone,
    p_refresh_digests: null,
    p_generation: null,
  })
  expect(await refresh(database, phone, 1)).toEqual({ outcome: 'connection_revoked' })
  expect(await refresh(database, laptop, 1)).toMatchObject({ outcome: 'rotated' })
})
