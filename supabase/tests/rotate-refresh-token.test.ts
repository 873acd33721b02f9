import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  addKey,
  addServer,
  connect,
  digest,
  introspect,
  metadataClient,
  newPerson,
  preRegistered,
  refresh,
  retry,
} from './support/builders.ts'
import { testDatabase } from './support/database.ts'

const database = await testDatabase()
const server = await addServer(database)
const key = await addKey(database, server)
const person = await newPerson(database)
const connected = (authorization: Record<string, unknown> = {}) => connect(database, person, server, authorization)
const sealed = (connectionId: string, generation: number) =>
  `\\x${Buffer.from(`sealed ${connectionId} ${generation}`).toString('hex')}`
const rowOf = async (connectionId: string) =>
  (await database.query('select * from mcp_data.connections where connection_id = $1', [connectionId]))[0]

test('G1 rotated: each use gives the next generation, and the idle time starts anew', async () => {
  const connectionId = await connected()
  for (const generation of [1, 2, 3]) {
    expect(await refresh(database, connectionId, generation)).toMatchObject({
      outcome: 'rotated',
      connection: {
        connection_id: connectionId,
        generation: generation + 1,
        can_refresh: true,
        scopes: ['files:read', 'base'],
      },
    })
    await database.passTime(20 * 86_400)
  }
})

test('G4 retried: the predecessor gets the same successor again, ten times within 120 seconds', async () => {
  const connectionId = await connected()
  await refresh(database, connectionId, 1)
  await database.passTime(110)
  for (let n = 0; n < retry.max; n++) {
    expect(await refresh(database, connectionId, 1, { p_successor_digest: digest('another') })).toMatchObject({
      outcome: 'retried',
      successor_ciphertext: sealed(connectionId, 2),
      connection: { generation: 2 },
    })
  }
  expect(await database.events()).toContain('refresh.retried')
  expect(await refresh(database, connectionId, 2)).toMatchObject({ outcome: 'rotated' })
})

test('G4 refresh_reused: the eleventh retry', async () => {
  const connectionId = await connected()
  for (let n = 0; n <= retry.max; n++) await refresh(database, connectionId, 1)
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'refresh_reused' })
  expect(await refresh(database, connectionId, 2)).toEqual({ outcome: 'connection_revoked' })
})

test('G4 refresh_reused: the predecessor after the window', async () => {
  const connectionId = await connected()
  await refresh(database, connectionId, 1)
  await database.passTime(121)
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'refresh_reused' })
})

test('G2 refresh_reused: an old token after its successor was used ends the connection with all its tokens', async () => {
  const connectionId = await connected()
  await refresh(database, connectionId, 1)
  await refresh(database, connectionId, 2)
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'refresh_reused' })
  expect(await refresh(database, connectionId, 3)).toEqual({ outcome: 'connection_revoked' })
  expect(await introspect(database, key, server, connectionId)).toMatchObject({ outcome: 'inactive' })
  const events = await database.query('select event, reason from mcp_data.audit_events where connection_id = $1', [
    connectionId,
  ])
  expect(events).toContainEqual({ event: 'refresh.reused', reason: 'older' })
  expect(events).toContainEqual({ event: 'connection.revoked', reason: 'refresh_reused' })
})

test('G2 every one of the last 34 generations is known for reuse, and the row does not grow', async () => {
  const connectionId = await connected()
  for (let generation = 1; generation <= 45; generation++) {
    expect(await refresh(database, connectionId, generation)).toMatchObject({ outcome: 'rotated' })
    await database.passTime(61)
  }
  expect((await rowOf(connectionId))?.older_digests).toHaveLength(256)
  expect(await refresh(database, connectionId, 12)).toEqual({ outcome: 'refresh_unknown' })
  expect(await refresh(database, connectionId, 13)).toEqual({ outcome: 'refresh_reused' })
})

test('refresh_unknown: an invented secret changes nothing, whatever generation it names', async () => {
  const connectionId = await connected()
  await refresh(database, connectionId, 1)
  await refresh(database, connectionId, 2)
  const before = await rowOf(connectionId)
  for (const generation of [-5, 0, 1, 2, 3, 4, 2_000_000_000]) {
    const changes = { p_token_digests: [digest(`guess ${generation}`)] }
    expect(await refresh(database, connectionId, generation, changes)).toEqual({ outcome: 'refresh_unknown' })
  }
  expect(await refresh(database, 'no-such-connection', 1)).toEqual({ outcome: 'refresh_unknown' })
  expect(await rowOf(connectionId)).toEqual(before)
})

test('G3 of 20 parallel uses one rotates, ten are retries with the same successor, and no second branch exists', async () => {
  const connectionId = await connected()
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      refresh(database, connectionId, 1, { p_successor_ciphertext: `\\x0${n % 10}0${n % 7}` }),
    ),
  )
  expect(answers.filter((answer) => answer.outcome === 'rotated')).toHaveLength(1)
  const retries = answers.filter((answer) => answer.outcome === 'retried')
  expect(retries).toHaveLength(10)
  expect(new Set(retries.map((answer) => answer.successor_ciphertext)).size).toBe(1)
})

test('G3 eleven at once, one use and ten retries, all succeed', async () => {
  const connectionId = await connected()
  const answers = await Promise.all(Array.from({ length: 11 }, () => refresh(database, connectionId, 1)))
  expect(answers.map((answer) => answer.outcome).sort()).toEqual([
    ...Array.from({ length: 10 }, () => 'retried'),
    'rotated',
  ])
})

test('G5 at most one refresh token lives, whatever is presented in whatever order', async () => {
  for (let round = 0; round < 20; round++) {
    const connectionId = await connected()
    let newest = 1
    let dead = false
    for (let step = 0; step < 8; step++) {
      const presented = randomInt(1, newest + 1)
      const { outcome } = await refresh(database, connectionId, presented)
      if (dead) expect(outcome).toBe('connection_revoked')
      else if (presented === newest) expect(outcome).toBe('rotated')
      else expect(outcome).toBe(presented === newest - 1 ? 'retried' : 'refresh_reused')
      if (outcome === 'rotated') newest += 1
      if (outcome === 'refresh_reused') dead = true
    }
  }
})

test('G6 the successor is stored sealed only, and erased when it is first used', async () => {
  const connectionId = await connected()
  await refresh(database, connectionId, 1)
  expect(String((await rowOf(connectionId))?.successor_ciphertext)).toBe(`sealed ${connectionId} 2`)
  await refresh(database, connectionId, 2)
  expect(String((await rowOf(connectionId))?.successor_ciphertext)).toBe(`sealed ${connectionId} 3`)
  await database.call('revoke_token', {
    p_client_id: metadataClient.client_id,
    p_connection_id: connectionId,
    p_refresh_digests: null,
    p_generation: null,
  })
  expect((await rowOf(connectionId))?.successor_ciphertext).toBeNull()
})

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
    ['client_blocked', "update mcp_data.servers set client_policy = 'not_dynamic' where server_id = $1"],
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

test('a token stored under an older pepper is found, and its successor is stored under the newest (SECURITY §6)', async () => {
  const connectionId = await connected()
  const p_token_digests = [digest('under k2'), digest(`refresh ${connectionId} 1`)]
  expect(await refresh(database, connectionId, 1, { p_token_digests, p_kid: 'k2' })).toMatchObject({
    outcome: 'rotated',
  })
  expect((await rowOf(connectionId))?.refresh_kid).toBe('k2')
})

test('decision 4: 200 refreshes leave one row, and about a tenth of them is an event', async () => {
  const connectionId = await connected()
  for (let generation = 1; generation <= 200; generation++) {
    await refresh(database, connectionId, generation)
    if (generation % 10 === 0) await database.passTime(61)
  }
  const [rows] = await database.query('select count(*) as n from mcp_data.connections where connection_id = $1', [
    connectionId,
  ])
  expect(rows?.n).toBe(1)
  const [events] = await database.query(
    "select count(*) as n from mcp_data.audit_events where connection_id = $1 and event = 'refresh.rotated'",
    [connectionId],
  )
  expect(events?.n).toBeGreaterThan(4)
  expect(events?.n).toBeLessThan(45)
})
