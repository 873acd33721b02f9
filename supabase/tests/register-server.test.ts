import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import { ownerCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { catalogue, digest, id, publicPart, request, serverId } from './support/values.ts'

const database = await testDatabase()
const newUrl = () => `https://${id().toLowerCase().replaceAll('_', 'a').replaceAll('-', 'b')}.example/mcp`
const register = (changes: Record<string, unknown> = {}, server: Record<string, unknown> = {}) =>
  database.call('register_server', {
    p_server_id: serverId(),
    p_server: { server_url: newUrl(), server_name: 'Files', scopes: catalogue, share_email: true, ...server },
    p_status: 'pending',
    p_management: null,
    p_caller: null,
    p_limits: { servers: 20 },
    p_request: request,
    ...changes,
  })

test('registered: all that an owner sees, without a member that has no value', async () => {
  const p_server_id = serverId()
  const server_url = newUrl()
  const answer = await register({ p_server_id }, { server_url })
  const { created_at_seconds, ...server } = answer.server as Record<string, unknown>
  expect(server).toEqual({
    server_id: p_server_id,
    server_url,
    server_name: 'Files',
    scopes: catalogue,
    status: 'pending',
    share_email: true,
    client_policy: 'any',
    requires_passkey: false,
    owner: false,
  })
  expect(Math.abs(Number(created_at_seconds) - Date.now() / 1000)).toBeLessThan(30)
  expect(await database.events()).toContain('server.registered')
})

test('registered: the management token is its credential, stored as 32 derived bytes (SECURITY §3)', async () => {
  const server = await addServer(database)
  expect(await database.call('list_servers', { p_caller: server.caller })).toMatchObject({
    servers: [{ server_id: server.server_id }],
  })
  const [row] = await database.query('select token_digest from mcp_data.management_tokens where server_id = $1', [
    server.server_id,
  ])
  expect(row?.token_digest).toHaveLength(32)
})

test("registered: with an owner's access token the owner holds it", async () => {
  const person = await newPerson(database)
  const answer = await register({ p_caller: await ownerCaller(database, person) }, { user_id: person.account_id })
  expect(answer).toMatchObject({ outcome: 'registered', server: { owner: true } })
})

test('J2 user_id without that credential grants nothing', async () => {
  const victim = await newPerson(database)
  await register({}, { user_id: victim.account_id })
  const caller = await ownerCaller(database, victim)
  expect(await database.call('list_servers', { p_caller: caller })).toEqual({ outcome: 'found', servers: [] })
})

test('J7 members that decide about trust are not taken from the body', async () => {
  const person = await newPerson(database)
  const forged = {
    status: 'verified',
    owner_account_id: person.account_id,
    verified_at: 'now',
    server_id: serverId(),
    client_policy: 'x',
  }
  expect(await register({}, forged)).toMatchObject({
    server: { status: 'pending', owner: false, client_policy: 'any' },
  })
})

test('J8 several registrations may wait for one URL', async () => {
  const server_url = newUrl()
  expect(await register({}, { server_url })).toMatchObject({ outcome: 'registered' })
  expect(await register({}, { server_url })).toMatchObject({ outcome: 'registered' })
})

test('N9 server_url_taken: one verified registration a URL, also of 10 at once; a deleted one frees it', async () => {
  const server_url = newUrl()
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => register({ p_status: 'verified' }, { server_url })),
  )
  expect(answers.filter((answer) => answer.outcome === 'registered')).toHaveLength(1)
  expect(answers.filter((answer) => answer.outcome === 'server_url_taken')).toHaveLength(9)
  await database.query("update mcp_data.servers set status = 'deleted', deleted_at = now() where server_url = $1", [
    server_url,
  ])
  expect(await register({ p_status: 'verified' }, { server_url })).toMatchObject({
    outcome: 'registered',
    server: { status: 'verified' },
  })
  expect(await database.events()).toContain('server.verified')
})

test('J24 limited: the 21st server of an owner, counted one after the other', async () => {
  const caller = await ownerCaller(database, await newPerson(database))
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => register({ p_caller: caller, p_limits: { servers: 3 } })),
  )
  expect(answers.filter((answer) => answer.outcome === 'registered')).toHaveLength(3)
  expect(answers.find((answer) => answer.outcome === 'limited')).toEqual({ outcome: 'limited', reason: 'servers' })
})

test('M8 limited: asking again and again for one server more writes ten events an hour', async () => {
  const person = await newPerson(database)
  const caller = await ownerCaller(database, person)
  for (let count = 0; count < 14; count += 1) await register({ p_caller: caller, p_limits: { servers: 0 } })
  const events =
    "select from mcp_data.audit_events where event = 'limit.hit' and reason = 'servers' and account_id = $1"
  expect(await database.query(events, [person.account_id])).toHaveLength(10)
})

test('limited: more changes an hour than an owner may make', async () => {
  const caller = await ownerCaller(database, await newPerson(database))
  const p_limits = { servers: 20, writes_per_hour: 1 }
  await register({ p_caller: caller, p_limits })
  const answer = await register({ p_caller: caller, p_limits })
  expect(answer).toMatchObject({ outcome: 'limited', reason: 'writes_per_hour' })
  expect(Number(answer.retry_after_seconds)).toBeGreaterThan(3500)
})

test('caller_unknown: a credential that is none, and a management token, which is for its own server', async () => {
  for (const [, caller] of strangers.slice(1))
    expect(await register({ p_caller: caller })).toEqual({ outcome: 'caller_unknown' })
  const server = await addServer(database)
  expect(await register({ p_caller: server.caller })).toEqual({ outcome: 'caller_unknown' })
})

test('scope_missing: an access token without servers:write', async () => {
  const caller = await ownerCaller(database, await newPerson(database), ['servers:read'])
  expect(await register({ p_caller: caller })).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
})

test('N10 J17 a reserved scope name, a bad digest or a bad URL is stored by no way', async () => {
  await expect(
    register({}, { scopes: [{ name: 'openid', description: '', required: false, default: true }] }),
  ).rejects.toThrow('servers_reserved_scope_names_are_free')
  await expect(register({}, { server_url: 'javascript:alert(1)' })).rejects.toThrow('servers_server_url_is_absolute')
  await expect(register({ p_management: { public_part: publicPart(), digest: '\\x00', kid: 'k1' } })).rejects.toThrow(
    'management_tokens_digest_is_32_bytes',
  )
  const p_management = { public_part: publicPart(), digest: digest('x'), kid: 'k1' }
  expect(await register({ p_management })).toMatchObject({ outcome: 'registered' })
})

const repeated = (key: string, body: string) => ({ key_digest: digest(key), body_digest: digest(body) })

test('registered again: the same idempotency key and body name the same server, also of ten at once', async () => {
  const p_idempotency = repeated(id(), 'body')
  const server_url = newUrl()
  const answers = await Promise.all(Array.from({ length: 10 }, () => register({ p_idempotency }, { server_url })))
  expect(new Set(answers.map(({ server }) => (server as { server_id: string }).server_id)).size).toBe(1)
  expect(answers.filter(({ replayed }) => replayed === true)).toHaveLength(9)
  const [row] = await database.query('select count(*)::integer as count from mcp_data.servers where server_url = $1', [
    server_url,
  ])
  expect(row).toEqual({ count: 1 })
})

test('registered again: not after a day, nor when the server is gone (not_found)', async () => {
  const p_idempotency = repeated(id(), 'body')
  const p_server_id = serverId()
  await register({ p_idempotency, p_server_id })
  await database.query("update mcp_data.servers set status = 'deleted', deleted_at = now() where server_id = $1", [
    p_server_id,
  ])
  expect(await register({ p_idempotency })).toEqual({ outcome: 'not_found' })
  await database.passTime(86_401)
  const answer = await register({ p_idempotency })
  expect(answer.outcome).toBe('registered')
  expect(answer).not.toHaveProperty('replayed')
})

test('idempotency_mismatch: the key of another body', async () => {
  const key = id()
  await register({ p_idempotency: repeated(key, 'one') })
  expect(await register({ p_idempotency: repeated(key, 'two') })).toEqual({ outcome: 'idempotency_mismatch' })
})

test('server_url_taken: by a registration of the same owner, though it is not proven yet', async () => {
  const p_caller = await ownerCaller(database, await newPerson(database))
  const server_url = newUrl()
  expect(await register({ p_caller }, { server_url })).toMatchObject({ outcome: 'registered' })
  expect(await register({ p_caller }, { server_url })).toEqual({ outcome: 'server_url_taken' })
})
