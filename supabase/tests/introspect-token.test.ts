import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { approve, connect, introspect } from './support/connections.ts'
import { takingNoChanges, testDatabase } from './support/database.ts'
import { digest, metadataClient, preRegistered } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const key = await addKey(database, server)
const person = await newPerson(database)

test('active: who, for which client, server and scopes (RFC 7662 §2.2)', async () => {
  const connectionId = await connect(database, person, server)
  const answer = await introspect(database, key, server, connectionId)
  expect(answer).toMatchObject({
    outcome: 'active',
    sub: person.account_id,
    client_id: metadataClient.client_id,
    scopes: ['files:read', 'base'],
    aud: server.server_url,
    username: person.email,
    email: person.email,
    email_verified: true,
    server_id: server.server_id,
  })
  expect(Number(answer.auth_time_seconds)).toBeLessThanOrEqual(Date.now() / 1000 + 1)
})

test('active: scopes are those of the token, granted, and registered now (J16)', async () => {
  const target = await addServer(database)
  const targetKey = await addKey(database, target)
  const connectionId = await connect(database, person, target, { scope: ['files:read', 'files:write'] })
  const scopes = async (p_scope: string[]) =>
    (await introspect(database, targetKey, target, connectionId, { p_scope })).scopes
  expect(await scopes(['files:read'])).toEqual(['files:read'])
  expect(await scopes(['files:read', 'invented'])).toEqual(['files:read'])
  await database.call('update_server', {
    p_server_id: target.server_id,
    p_caller: target.caller,
    p_changes: {
      scopes: ['files:write', 'new'].map((name) => ({ name, description: '', required: false, default: true })),
    },
  })
  expect(await scopes(['files:read', 'files:write', 'new'])).toEqual(['files:write'])
})

test('active: no e-mail where the server registered without it, nor where the consent page did not say so', async () => {
  const silent = await addServer(database, { share_email: false })
  const silentKey = await addKey(database, silent)
  const connectionId = await connect(database, person, silent)
  expect(await introspect(database, silentKey, silent, connectionId)).not.toHaveProperty('email')
  await database.call('update_server', {
    p_server_id: silent.server_id,
    p_caller: silent.caller,
    p_changes: { share_email: true },
  })
  expect(await introspect(database, silentKey, silent, connectionId)).not.toHaveProperty('username')
})

test('H2 inactive: the key of another server (RFC 7662 §4)', async () => {
  const connectionId = await connect(database, person, server)
  const other = await addServer(database)
  const otherKey = await addKey(database, other)
  const wrong = { outcome: 'inactive', reason: 'audience_mismatch' }
  expect(await introspect(database, otherKey, other, connectionId)).toEqual(wrong)
  expect(await introspect(database, otherKey, other, connectionId, { p_audience: server.server_url })).toEqual(wrong)
})

test('K5 inactive: an audience that is only a prefix of the server URL', async () => {
  const connectionId = await connect(database, person, server)
  const p_audience = new URL(server.server_url).origin
  expect(await introspect(database, key, server, connectionId, { p_audience })).toEqual({
    outcome: 'inactive',
    reason: 'audience_mismatch',
  })
})

test('H15 inactive: at exp, by the clock of the database (RFC 7519 §4.1.4)', async () => {
  const connectionId = await connect(database, person, server)
  const [row] = await database.query('select floor(extract(epoch from now()))::bigint as now', [])
  const expired = { outcome: 'inactive', reason: 'token_expired' }
  expect(await introspect(database, key, server, connectionId, { p_expires_at_seconds: row?.now })).toEqual(expired)
  expect(await introspect(database, key, server, connectionId, { p_expires_at_seconds: null })).toEqual(expired)
  expect(
    await introspect(database, key, server, connectionId, { p_expires_at_seconds: Number(row?.now) + 3600 }),
  ).toMatchObject({ outcome: 'active' })
})

test('inactive: garbage, an unknown connection, a code that was not redeemed, another epoch, an ended connection', async () => {
  const reason = async (connectionId: string | null, changes: Record<string, unknown> = {}) =>
    (await introspect(database, key, server, connectionId, changes)).reason
  expect(await reason(null)).toBe('token_malformed')
  expect(await reason('no-such-connection')).toBe('connection_unknown')
  expect(await reason(await approve(database, person, server))).toBe('connection_unknown')
  const connectionId = await connect(database, person, server)
  expect(await reason(connectionId, { p_epoch: 2 })).toBe('epoch_mismatch')
  await database.query(
    'update mcp_data.connections set refresh_expires_at = now(), created_at = now() - $2::interval, code_expires_at = now() where connection_id = $1',
    [connectionId, '90 days'],
  )
  expect(await reason(connectionId)).toBe('connection_expired')
})

test('H14 M12 inactive: account, client, server, connection, each by its own switch, on the next call', async () => {
  const switches: [string, string][] = [
    ['account_disabled', 'update mcp_data.accounts set disabled_at = now() where account_id = $1'],
    ['client_blocked', 'update mcp_data.clients set blocked_at = now() where client_id = $1'],
    [
      'client_blocked',
      "insert into mcp_data.blocked_clients (client_id_digest, reason) values (sha256(convert_to($1, 'UTF8')), 'abuse')",
    ],
    [
      'connection_revoked',
      "update mcp_data.connections set revoked_at = now(), revoked_reason = 'test' where connection_id = $1",
    ],
  ]
  const blockable = { ...metadataClient, client_id: 'https://blockable.example/client.json' }
  const clients = [metadataClient, preRegistered, blockable, metadataClient]
  for (const [index, [reason, sql]] of switches.entries()) {
    const victim = await newPerson(database)
    const client = clients[index] ?? metadataClient
    const connectionId = await connect(database, victim, server, {}, client)
    expect(await introspect(database, key, server, connectionId)).toMatchObject({ outcome: 'active' })
    const subjects = [victim.account_id, client.client_id, client.client_id, connectionId]
    await database.query(sql, [subjects[index]])
    expect(await introspect(database, key, server, connectionId)).toEqual({ outcome: 'inactive', reason })
  }
})

test('a pending server is served for its owner only (HTTP-API "Authorization")', async () => {
  const target = await addServer(database)
  const targetKey = await addKey(database, target)
  const [owner, other] = [await newPerson(database), await newPerson(database)]
  const [own, foreign] = [await connect(database, owner, target), await connect(database, other, target)]
  await database.query("update mcp_data.servers set status = 'pending', owner_account_id = $1 where server_id = $2", [
    owner.account_id,
    target.server_id,
  ])
  expect(await introspect(database, targetKey, target, own)).toMatchObject({ outcome: 'active' })
  expect(await introspect(database, targetKey, target, foreign)).toEqual({
    outcome: 'inactive',
    reason: 'server_unavailable',
  })
})

test('J6 key_refused: an unknown id, the id alone, a wrong secret (RFC 7662 §2.3)', async () => {
  const unknown = { outcome: 'key_refused', reason: 'key_unknown' }
  expect(await introspect(database, { key_id: 'key_000000000000', digests: key.digests }, server, null)).toEqual(
    unknown,
  )
  expect(await introspect(database, { ...key, digests: [] }, server, null)).toEqual(unknown)
  expect(await introspect(database, { ...key, digests: [digest('guess')] }, server, null)).toEqual(unknown)
})

test('H7 key_refused: revoked, expired, another server in Basic, a suspended server; one event an hour', async () => {
  const target = await addServer(database)
  const [revoked, expiring, good] = [
    await addKey(database, target),
    await addKey(database, target, { expires_in_seconds: 60 }),
    await addKey(database, target),
  ]
  const reason = async (used: typeof good, changes: Record<string, unknown> = {}) =>
    (await introspect(database, used, target, null, changes)).reason
  await database.call('revoke_key', {
    p_server_id: target.server_id,
    p_key_id: revoked.key_id,
    p_caller: target.caller,
  })
  expect(await reason(revoked)).toBe('key_revoked')
  expect(await reason(revoked)).toBe('key_revoked')
  expect(await reason(expiring)).toBe('token_malformed')
  await database.passTime(61)
  expect(await reason(expiring)).toBe('key_expired')
  expect(await reason(good, { p_server_id: server.server_id })).toBe('server_mismatch')
  expect(await reason(good, { p_server_id: null })).toBe('token_malformed')
  await database.query("update mcp_data.servers set status = 'suspended' where server_id = $1", [target.server_id])
  expect(await reason(good)).toBe('server_unavailable')
  const events = await database.query(
    "select reason from mcp_data.audit_events where event = 'key.refused' and server_id = $1 and reason = 'key_revoked'",
    [target.server_id],
  )
  expect(events).toHaveLength(1)
})

test('a key stored under an older pepper is accepted (SECURITY §6)', async () => {
  expect(
    await introspect(database, { ...key, digests: [digest('under k2'), ...key.digests] }, server, null),
  ).toMatchObject({ outcome: 'inactive' })
})

test('H17 last use is written at most once a minute for a key and once in five for a connection', async () => {
  const target = await addServer(database)
  const targetKey = await addKey(database, target)
  const connectionId = await connect(database, person, target)
  const versions = async () => {
    const [row] = await database.query(
      'select k.xmin::text as key, c.xmin::text as connection from mcp_data.server_keys k, mcp_data.connections c where k.key_id = $1 and c.connection_id = $2',
      [targetKey.key_id, connectionId],
    )
    return row
  }
  await introspect(database, targetKey, target, connectionId)
  const first = await versions()
  for (let n = 0; n < 20; n++) await introspect(database, targetKey, target, connectionId)
  expect(await versions()).toEqual(first)
  await database.passTime(301)
  const before = await versions()
  await introspect(database, targetKey, target, connectionId)
  const after = await versions()
  expect(after?.key).not.toBe(before?.key)
  expect(after?.connection).not.toBe(before?.connection)
})

test('active, inactive and refused as ever while the database takes no changes; only the counts are left out', async () => {
  const [connectionId, ended] = [await connect(database, person, server), await connect(database, person, server)]
  const revoked = await addKey(database, server)
  const text = `update mcp_data.connections set last_used_at = null, revoked_at = case when connection_id = $2 then now() end,
    revoked_reason = case when connection_id = $2 then 'token_revoked' end
    where connection_id in ($1, $2)`
  await database.query(text, [connectionId, ended])
  await database.query('update mcp_data.server_keys set last_used_at = null')
  await database.query('update mcp_data.server_keys set revoked_at = now() where key_id = $1', [revoked.key_id])
  await takingNoChanges(database, async (standby) => {
    expect(await introspect(standby, key, server, connectionId)).toMatchObject({ outcome: 'active' })
    const inactive = { outcome: 'inactive', reason: 'connection_revoked' }
    expect(await introspect(standby, key, server, ended)).toEqual(inactive)
    const refused = { outcome: 'key_refused', reason: 'key_revoked' }
    expect(await introspect(standby, revoked, server, connectionId)).toEqual(refused)
  })
  const [row] = await database.query('select last_used_at from mcp_data.connections where connection_id = $1', [
    connectionId,
  ])
  expect(row).toEqual({ last_used_at: null })
})
