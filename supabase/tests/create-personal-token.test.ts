import { expect, test } from 'vitest'
import { addServer, newPerson } from './support/builders.ts'
import {
  allScopes,
  ownerCaller,
  personalCaller,
  personalToken,
  sessionCaller,
  strangers,
  tokenLimits,
} from './support/callers.ts'
import { testDatabase } from './support/database.ts'
import { digest, request } from './support/values.ts'

const database = await testDatabase()
const create = (p_caller: unknown, token: Record<string, unknown> = {}, limits: Record<string, unknown> = {}) =>
  database.call('create_personal_token', {
    p_caller,
    p_token: personalToken(token),
    p_limits: { ...tokenLimits, ...limits },
    p_request: request,
  })

test('J19 created: a session makes it, for the scopes and the time that are asked, and its owner is told (J22)', async () => {
  const person = await newPerson(database)
  const answer = await create(sessionCaller(person, 900), { scopes: ['servers:read'], expires_in_seconds: 3600 })
  expect(answer).toMatchObject({
    outcome: 'created',
    token: { name: 'CI', last_four: 'abcd', scopes: ['servers:read'] },
  })
  expect(answer.notice).toEqual({ email: person.email })
  const { created_at_seconds, expires_at_seconds } = answer.token as Record<string, number>
  expect((expires_at_seconds ?? 0) - (created_at_seconds ?? 0)).toBe(3600)
  expect(JSON.stringify(answer)).not.toContain('digest')
})

test('J19 it works for what it was made for, and says so with the scope that it lacks', async () => {
  const caller = await personalCaller(database, await newPerson(database), { scopes: ['servers:read'] })
  expect(await database.call('list_servers', { p_caller: caller })).toMatchObject({ outcome: 'found' })
  const answer = await database.call('delete_server', { p_server_id: 'srv_x', p_caller: caller, p_request: request })
  expect(answer).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
})

test('J19 it ends with its time, with its account and with the issuer epoch', async () => {
  const person = await newPerson(database)
  const caller = await personalCaller(database, person, { expires_in_seconds: 3600 })
  const works = async () => (await database.call('list_servers', { p_caller: caller })).outcome
  expect(await works()).toBe('found')
  await database.query('update mcp_data.accounts set disabled_at = now() where account_id = $1', [person.account_id])
  expect(await works()).toBe('caller_unknown')
  await database.query('update mcp_data.accounts set disabled_at = null where account_id = $1', [person.account_id])
  await database.query('update mcp_data.settings set issuer_epoch = 2')
  expect(await works()).toBe('caller_unknown')
  await database.query('update mcp_data.settings set issuer_epoch = 1')
  await database.query(
    "update mcp_data.personal_tokens set created_at = created_at - interval '2 hours', expires_at = expires_at - interval '2 hours'",
  )
  expect(await works()).toBe('caller_unknown')
})

test('J19 it is not found by its id alone, nor with a digest of another', async () => {
  const caller = await personalCaller(database, await newPerson(database))
  const other = await personalCaller(database, await newPerson(database))
  for (const digests of [[], other.digests])
    expect(await database.call('list_servers', { p_caller: { ...caller, digests } })).toEqual({
      outcome: 'caller_unknown',
    })
})

test('J19 N10 longer than 90 days, or for a scope that is none, is stored by no way', async () => {
  const session = sessionCaller(await newPerson(database))
  await expect(create(session, { expires_in_seconds: 91 * 86_400 })).rejects.toThrow('personal_tokens_live_90_days')
  await expect(create(session, { scopes: ['everything'] })).rejects.toThrow('personal_tokens_scopes_are_known')
})

test('not_allowed: a personal token makes no other, or a stolen one would live for ever', async () => {
  expect(await create(await personalCaller(database, await newPerson(database)))).toEqual({ outcome: 'not_allowed' })
})

test('J22 not_fresh: a sign-in of 20 minutes ago is not enough, for a session and for an access token alike', async () => {
  const person = await newPerson(database)
  const owner = await ownerCaller(database, person)
  expect(await create(owner)).toMatchObject({ outcome: 'created' })
  await database.query("update mcp_data.connections set auth_time = auth_time - interval '20 minutes'")
  await database.query("update mcp_data.sessions set auth_time = auth_time - interval '20 minutes'")
  expect(await create(owner)).toEqual({ outcome: 'not_fresh' })
  expect(await create(sessionCaller(person, 900))).toEqual({ outcome: 'not_fresh' })
  expect(await create(sessionCaller(person))).toMatchObject({ outcome: 'created' })
})

test('created again: the same idempotency key and body give the same token, also when they are remembered no more', async () => {
  const caller = sessionCaller(await newPerson(database), 900)
  const token = personalToken({ digest: digest('derived from the request') })
  const keyed = { key_digest: digest(token.token_id), body_digest: digest('body') }
  const again = (more: Record<string, unknown> = {}, p_idempotency = keyed) =>
    database.call('create_personal_token', {
      p_caller: caller,
      p_token: { ...token, ...more },
      p_limits: tokenLimits,
      p_idempotency,
    })
  const first = await again()
  expect(first).toMatchObject({ outcome: 'created', secret_is_same: true })
  expect(first).not.toHaveProperty('replayed')
  const { notice: _, ...answer } = first
  expect(await again()).toEqual({ ...answer, replayed: true })
  const other = await again({ digest: digest('of another pepper') })
  expect(other).toEqual({ ...answer, replayed: true, secret_is_same: false })
  expect(await again({}, { ...keyed, body_digest: digest('another') })).toEqual({ outcome: 'idempotency_mismatch' })
  await database.query('delete from mcp_data.idempotency_keys')
  expect(await again()).toEqual({ ...answer, replayed: true })
  await database.call('revoke_personal_token', { p_token_id: token.token_id, p_caller: caller })
  expect(await again()).toEqual({ outcome: 'not_found' })
})

test('scope_missing: no token can do more than the one that makes it', async () => {
  const owner = await ownerCaller(database, await newPerson(database), ['servers:read', 'keys:write'])
  expect(await create(owner, { scopes: allScopes })).toEqual({ outcome: 'scope_missing', scope: 'servers:write' })
  expect(await create(owner, { scopes: ['servers:read', 'keys:write'] })).toMatchObject({ outcome: 'created' })
})

test('J24 limited: the eleventh live one, counted one after the other; a revoked one makes room', async () => {
  const person = await newPerson(database)
  const answers = await Promise.all(Array.from({ length: 6 }, () => create(sessionCaller(person), {}, { tokens: 2 })))
  expect(answers.filter(({ outcome }) => outcome === 'created')).toHaveLength(2)
  expect(answers.find(({ outcome }) => outcome === 'limited')).toEqual({ outcome: 'limited', reason: 'tokens' })
  await database.query('update mcp_data.personal_tokens set revoked_at = now() where account_id = $1', [
    person.account_id,
  ])
  expect(await create(sessionCaller(person), {}, { tokens: 2 })).toMatchObject({ outcome: 'created' })
})

test('M8 limited: asking again and again for one token more writes ten events an hour', async () => {
  const person = await newPerson(database)
  for (let count = 0; count < 14; count += 1) await create(sessionCaller(person), {}, { tokens: 0 })
  const events = "select from mcp_data.audit_events where event = 'limit.hit' and reason = 'tokens' and account_id = $1"
  expect(await database.query(events, [person.account_id])).toHaveLength(10)
})

test('limited: more changes an hour than an owner may make', async () => {
  const session = sessionCaller(await newPerson(database))
  await create(session, {}, { writes_per_hour: 1 })
  expect(await create(session, {}, { writes_per_hour: 1 })).toMatchObject({
    outcome: 'limited',
    reason: 'writes_per_hour',
  })
})

test('caller_unknown: no credential, and a management token, which is nobody’s', async () => {
  for (const [, caller] of strangers) expect(await create(caller)).toEqual({ outcome: 'caller_unknown' })
  expect(await create((await addServer(database)).caller)).toEqual({ outcome: 'caller_unknown' })
})

test('sign_in: a session that has ended', async () => {
  const person = await newPerson(database)
  await database.query('update mcp_data.sessions set ended_at = now() where account_id = $1', [person.account_id])
  expect(await create(sessionCaller(person))).toEqual({ outcome: 'sign_in' })
})
