import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, type Server } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { digest, keyId, serverId } from './support/values.ts'

const database = await testDatabase()
const create = (server: Server, changes: Record<string, unknown> = {}, key: Record<string, unknown> = {}) =>
  database.call('create_key', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_key: { key_id: keyId(), digest: digest(keyId()), kid: 'k1', name: 'ci', last_four: 'wxyz', ...key },
    p_limits: { keys: 10 },
    ...changes,
  })

test('created: with its end if it has one', async () => {
  const server = await addServer(database)
  const key_id = keyId()
  const answer = await create(server, {}, { key_id, expires_in_seconds: 3600 })
  expect(answer).toMatchObject({ outcome: 'created', key: { key_id, name: 'ci' } })
  const { created_at_seconds, expires_at_seconds } = answer.key as Record<string, number>
  expect(expires_at_seconds).toBe(Number(created_at_seconds) + 3600)
  expect(await create(server)).not.toHaveProperty('key.expires_at_seconds')
  expect(await database.events()).toContain('key.created')
})

test('J5 only 32 derived bytes and the last four characters are stored', async () => {
  const server = await addServer(database)
  const { key_id } = await addKey(database, server)
  const [row] = await database.query('select key_digest, last_four from mcp_data.server_keys where key_id = $1', [
    key_id,
  ])
  expect(row?.key_digest).toHaveLength(32)
  expect(row?.last_four).toBe('abcd')
})

test('J24 limited: the eleventh live key, also of many at once; revoked and expired ones do not count', async () => {
  const server = await addServer(database)
  const answers = await Promise.all(Array.from({ length: 14 }, () => create(server, {}, { expires_in_seconds: 60 })))
  expect(answers.filter((answer) => answer.outcome === 'created')).toHaveLength(10)
  expect(await create(server)).toEqual({ outcome: 'limited', reason: 'keys' })
  await database.passTime(61)
  expect(await create(server)).toMatchObject({ outcome: 'created' })
})

test('M8 limited: asking again and again for one key more writes ten events an hour', async () => {
  const server = await addServer(database)
  const p_limits = { keys: 0, writes_per_hour: 60 }
  for (let count = 0; count < 14; count += 1) await create(server, { p_limits })
  const events = "select from mcp_data.audit_events where event = 'limit.hit' and reason = 'keys' and server_id = $1"
  expect(await database.query(events, [server.server_id])).toHaveLength(10)
})

test('limited: more changes an hour than an owner may make', async () => {
  const server = await addServer(database)
  const p_limits = { keys: 10, writes_per_hour: 1 }
  await create(server, { p_limits })
  expect(await create(server, { p_limits })).toMatchObject({ outcome: 'limited', reason: 'writes_per_hour' })
})

test("J4 not_found: no key under another owner's server", async () => {
  const [mine, other] = [await addServer(database), await addServer(database)]
  expect(await create(other, { p_caller: mine.caller })).toEqual({ outcome: 'not_found' })
  expect(await create({ ...mine, server_id: serverId() })).toEqual({ outcome: 'not_found' })
  expect(await create(mine, { p_caller: await ownerCaller(database, await newPerson(database)) })).toEqual({
    outcome: 'not_found',
  })
  expect(
    await database.query('select from mcp_data.server_keys where server_id = any($1)', [
      [mine.server_id, other.server_id],
    ]),
  ).toEqual([])
})

test('caller_unknown and scope_missing', async () => {
  const server = await addServer(database)
  for (const [, caller] of strangers)
    expect(await create(server, { p_caller: caller })).toEqual({ outcome: 'caller_unknown' })
  const caller = await ownerCaller(database, await newPerson(database), ['servers:write'])
  expect(await create(server, { p_caller: caller })).toEqual({ outcome: 'scope_missing', scope: 'keys:write' })
})

test('created again: the same idempotency key and body give the same key, with its secret only where it is the same', async () => {
  const server = await addServer(database)
  const p_idempotency = { key_digest: digest(keyId()), body_digest: digest('body') }
  const p_key = { key_id: keyId(), digest: digest('derived from the request') }
  const first = await create(server, { p_idempotency }, p_key)
  expect(first).toMatchObject({ outcome: 'created', secret_is_same: true })
  expect(first).not.toHaveProperty('replayed')
  expect(await create(server, { p_idempotency }, p_key)).toEqual({ ...first, replayed: true })
  const other = await create(server, { p_idempotency }, { digest: digest('of another pepper') })
  expect(other).toEqual({ ...first, replayed: true, secret_is_same: false })
  await database.call('revoke_key', { p_server_id: server.server_id, p_key_id: p_key.key_id, p_caller: server.caller })
  expect(await create(server, { p_idempotency }, p_key)).toEqual({ outcome: 'not_found' })
})

test('created again: also when the idempotency key is remembered no more, for the id is drawn from the request', async () => {
  const server = await addServer(database)
  const p_key = { key_id: keyId(), digest: digest('derived from the request') }
  const again = () =>
    create(server, { p_idempotency: { key_digest: digest(p_key.key_id), body_digest: digest('body') } }, p_key)
  const first = await again()
  await database.query('delete from mcp_data.idempotency_keys')
  expect(await again()).toEqual({ ...first, replayed: true })
  const other = await addServer(database)
  expect(await create(other, {}, { ...p_key, key_id: keyId() })).toMatchObject({ outcome: 'created' })
})

test('idempotency_mismatch: the key of another body', async () => {
  const server = await addServer(database)
  const key_digest = digest(keyId())
  await create(server, { p_idempotency: { key_digest, body_digest: digest('one') } })
  expect(await create(server, { p_idempotency: { key_digest, body_digest: digest('two') } })).toEqual({
    outcome: 'idempotency_mismatch',
  })
})

test('J22 not_fresh and sign_in: a session that is too old, and none; the owner is told of every key', async () => {
  const { server, owner } = await ownedServer(database)
  const fresh = { ...server, caller: sessionCaller(owner, 900) }
  expect(await create(fresh)).toMatchObject({ outcome: 'created', notice: { email: owner.email } })
  await database.query("update mcp_data.sessions set auth_time = auth_time - interval '1 hour'")
  expect(await create(fresh)).toEqual({ outcome: 'not_fresh' })
  expect(await create({ ...server, caller: sessionCaller({ cookie: '', session: 'none' }) })).toEqual({
    outcome: 'sign_in',
  })
})
