import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { approve, connect, exchange, exchangeArguments, introspect, refresh } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { digest, metadataClient, preRegistered } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const key = await addKey(database, server)
const person = await newPerson(database)
const approved = (authorization: Record<string, unknown> = {}) => approve(database, person, server, authorization)

test('exchanged: everything that tokens are made of', async () => {
  const connectionId = await approved({ scope: ['files:read', 'openid', 'email', 'profile'], nonce: 'n' })
  const answer = await exchange(database, connectionId)
  expect(answer).toMatchObject({
    outcome: 'exchanged',
    connection: {
      connection_id: connectionId,
      account_id: person.account_id,
      email: person.email,
      email_verified: true,
      client_id: metadataClient.client_id,
      resource: server.server_url,
      server_id: server.server_id,
      scopes: ['files:read', 'base', 'openid', 'profile', 'email'],
      nonce: 'n',
      auth_method: 'email_code',
      access_token_seconds: null,
      generation: 1,
      can_refresh: true,
      epoch: 1,
    },
  })
  const { issued_at_seconds, refresh_expires_at_seconds, auth_time_seconds } = answer.connection as Record<
    string,
    number
  >
  expect(Math.abs(Number(issued_at_seconds) - Date.now() / 1000)).toBeLessThan(30)
  // Idle 30 days end before absolute 90.
  expect(refresh_expires_at_seconds).toBe(Number(issued_at_seconds) + 2_592_000)
  expect(auth_time_seconds).toBeLessThanOrEqual(Number(issued_at_seconds))
  expect(await database.events()).toContain('authorization_code.redeemed')
})

test('exchanged: e-mail and name only by scope; the lifetime that the server chose', async () => {
  const short = await addServer(database, { token_lifetime_seconds: 300 })
  const answer = await exchange(database, await approve(database, person, short))
  expect(answer).toMatchObject({ connection: { access_token_seconds: 300 } })
  expect(answer).not.toHaveProperty('connection.email')
})

test('exchanged: no refresh token for a client without that grant', async () => {
  const once = { ...metadataClient, grant_types: ['authorization_code'] }
  const connectionId = await approve(database, person, server, {}, once)
  expect(await exchange(database, connectionId)).toMatchObject({ connection: { can_refresh: false } })
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'refresh_unknown' })
})

test('F1 code_replayed: a proven second use ends everything made from the code (RFC 6749 §4.1.2)', async () => {
  const connectionId = await approved()
  await exchange(database, connectionId)
  expect(await introspect(database, key, server, connectionId)).toMatchObject({ outcome: 'active' })
  expect(await exchange(database, connectionId)).toMatchObject({ outcome: 'code_replayed' })
  expect(await introspect(database, key, server, connectionId)).toEqual({
    outcome: 'inactive',
    reason: 'connection_revoked',
  })
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'connection_revoked' })
  const events = await database.query('select event from mcp_data.audit_events where connection_id = $1', [
    connectionId,
  ])
  const names = events.map((row) => row.event)
  expect(names).toContain('authorization_code.replayed')
  expect(names).toContain('connection.revoked')
})

test('F2 a replay with a wrong verifier, client or redirect kills nothing', async () => {
  const connectionId = await approved()
  await exchange(database, connectionId)
  expect(await exchange(database, connectionId, { p_code_challenge: 'x'.repeat(43) })).toEqual({
    outcome: 'verifier_mismatch',
  })
  expect(await exchange(database, connectionId, { p_client_id: 'other' })).toEqual({ outcome: 'client_mismatch' })
  expect(await exchange(database, connectionId, { p_redirect_uri: 'https://evil.example' })).toEqual({
    outcome: 'redirect_uri_mismatch',
  })
  expect(await exchange(database, connectionId, { p_code_digests: [digest('guess')] })).toEqual({
    outcome: 'code_unknown',
  })
  expect(await introspect(database, key, server, connectionId)).toMatchObject({ outcome: 'active' })
})

test('M8 whoever tries one code with wrong verifiers again and again writes ten events a minute', async () => {
  const connectionId = await approved()
  for (let n = 0; n < 15; n++) await exchange(database, connectionId, { p_code_challenge: 'x'.repeat(43) })
  const events = await database.query(
    "select from mcp_data.audit_events where event = 'pkce.failed' and connection_id = $1",
    [connectionId],
  )
  expect(events).toHaveLength(10)
  expect(await exchange(database, connectionId)).toMatchObject({ outcome: 'exchanged' })
})

test('F3 of 20 parallel redemptions one wins, and the losers are replays', async () => {
  const connectionId = await approved()
  const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(database, connectionId)))
  expect(answers.filter((answer) => answer.outcome === 'exchanged')).toHaveLength(1)
  expect(answers.filter((answer) => answer.outcome === 'code_replayed')).toHaveLength(19)
  expect(await introspect(database, key, server, connectionId)).toMatchObject({ outcome: 'inactive' })
})

const refusals: [string, Record<string, unknown>, string][] = [
  [
    'F4 verifier_mismatch: the verifier of another flow (RFC 7636 §4.6)',
    { p_code_challenge: 'y'.repeat(43) },
    'verifier_mismatch',
  ],
  ['F5 client_mismatch: another client', { p_client_id: 'client_claude_code' }, 'client_mismatch'],
  [
    'F6 redirect_uri_mismatch: another redirect',
    { p_redirect_uri: 'https://app.example/other' },
    'redirect_uri_mismatch',
  ],
  [
    'F10 F27 resource_mismatch: another resource (RFC 8707 §2.2)',
    { p_resource_candidates: ['https://other.example/mcp'] },
    'resource_mismatch',
  ],
  [
    'F26 scope_exceeded: more than was granted (RFC 6749 §3.3)',
    { p_scope: ['files:read', 'files:write'] },
    'scope_exceeded',
  ],
  ['code_unknown: a secret that does not fit the connection', { p_code_digests: [digest('other')] }, 'code_unknown'],
]
for (const [name, changes, outcome] of refusals) {
  test(`${name}; the code is not used up`, async () => {
    const connectionId = await approved()
    expect(await exchange(database, connectionId, changes)).toEqual({ outcome })
    expect(await exchange(database, connectionId)).toMatchObject({ outcome: 'exchanged' })
  })
}

test('code_unknown: no such connection, and no digest at all', async () => {
  expect(await exchange(database, 'no-such-connection')).toEqual({ outcome: 'code_unknown' })
  expect(await exchange(database, await approved(), { p_code_digests: [] })).toEqual({ outcome: 'code_unknown' })
})

test('F6 an omitted redirect_uri is accepted with PKCE (OAuth 2.1 §4.1.3)', async () => {
  expect(await exchange(database, await approved(), { p_redirect_uri: null })).toMatchObject({ outcome: 'exchanged' })
})

test('F9 code_expired: after 60 seconds by the clock of the database', async () => {
  const connectionId = await approved()
  await database.passTime(61)
  expect(await exchange(database, connectionId)).toEqual({ outcome: 'code_expired' })
})

test('F26 a narrower scope is stated and does not narrow the grant', async () => {
  const connectionId = await approved({ scope: ['files:read', 'files:write'] })
  expect(await exchange(database, connectionId, { p_scope: ['files:read'] })).toMatchObject({
    connection: { scopes: ['files:read'] },
  })
  expect(await refresh(database, connectionId, 1)).toMatchObject({
    connection: { scopes: ['files:read', 'files:write', 'base'] },
  })
})

test('F27 the resource as it was sent to /authorize is accepted again: origin, prefix, exact', async () => {
  const origin = new URL(server.server_url).origin
  const viaOrigin = await approved({ resource_candidates: [origin], resource_is_origin: true })
  expect(await exchange(database, viaOrigin, { p_resource_candidates: [origin] })).toMatchObject({
    outcome: 'exchanged',
  })
  const viaPrefix = await approved({ resource_candidates: [`${server.server_url}/x`, server.server_url] })
  expect(
    await exchange(database, viaPrefix, { p_resource_candidates: [`${server.server_url}/y`, server.server_url] }),
  ).toMatchObject({ outcome: 'exchanged' })
  const exact = await approved()
  expect(await exchange(database, exact, { p_resource_candidates: [server.server_url] })).toMatchObject({
    outcome: 'exchanged',
  })
})

test('F27 a path that belongs to a longer registered server is another resource', async () => {
  const parent = await addServer(database)
  const child = await addServer(database, { server_url: `${parent.server_url}/admin` })
  const connectionId = await approve(database, person, parent)
  const changes = { p_resource_candidates: [child.server_url, parent.server_url] }
  expect(await exchange(database, connectionId, changes)).toEqual({ outcome: 'resource_mismatch' })
})

test('F28 account_disabled, client_blocked, server_unavailable, connection_revoked: checked again in the same call', async () => {
  const cases: [string, string, unknown[]][] = [
    ['account_disabled', 'update mcp_data.accounts set disabled_at = now() where account_id = $1', []],
    [
      'client_blocked',
      'update mcp_data.clients set blocked_at = now() where client_id = $1',
      [preRegistered.client_id],
    ],
    ['server_unavailable', "update mcp_data.servers set status = 'suspended' where server_id = $1", []],
    ['client_not_allowed', "update mcp_data.servers set client_policy = 'pre_registered' where server_id = $1", []],
    ['connection_revoked', 'update mcp_data.connections set issuer_epoch = 0 where connection_id = $1', []],
  ]
  for (const [index, [outcome, sql, parameters]] of cases.entries()) {
    const victim = await newPerson(database)
    const target = await addServer(database)
    const client = index === 1 ? preRegistered : metadataClient
    const connectionId = await approve(database, victim, target, {}, client)
    const subject = sql.includes('accounts')
      ? victim.account_id
      : sql.includes('servers')
        ? target.server_id
        : connectionId
    await database.query(sql, parameters.length > 0 ? parameters : [subject])
    expect(await exchange(database, connectionId, { p_client_id: client.client_id })).toEqual({ outcome })
  }
})

test('G12 a code is no refresh token: their digests live in different columns', async () => {
  const connectionId = await connect(database, person, server)
  expect(await refresh(database, connectionId, 1, { p_token_digests: [digest(`code ${connectionId}`)] })).toEqual({
    outcome: 'refresh_unknown',
  })
  const changes = { p_code_digests: [digest(`refresh ${connectionId} 1`)] }
  expect(await database.call('exchange_authorization_code', exchangeArguments(connectionId, changes))).toEqual({
    outcome: 'code_unknown',
  })
})

test('F1 code_replayed: says once whom to tell (SECURITY §28)', async () => {
  const connectionId = await approved()
  await exchange(database, connectionId)
  const notice = { email: person.email, server_host: new URL(server.server_url).host }
  expect(await exchange(database, connectionId)).toEqual({ outcome: 'code_replayed', notice })
  expect(await exchange(database, connectionId)).toEqual({ outcome: 'code_replayed' })
})
