import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { addKey, addServer, newPerson } from './support/builders.ts'
import { connect, introspect, refresh } from './support/connections.ts'
import { atOneMoment, testDatabase } from './support/database.ts'
import { digest, metadataClient, retry } from './support/values.ts'

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
  await atOneMoment(database, async (still) => {
    await refresh(still, connectionId, 1)
    await still.passTime(119)
    for (let n = 0; n < retry.max; n++) {
      expect(await refresh(still, connectionId, 1, { p_successor_digest: digest('another') })).toMatchObject({
        outcome: 'retried',
        successor_ciphertext: sealed(connectionId, 2),
        connection: { generation: 2 },
      })
    }
  })
  expect(await database.events()).toContain('refresh.retried')
  expect(await refresh(database, connectionId, 2)).toMatchObject({ outcome: 'rotated' })
})

test('G4 refresh_reused: the eleventh retry', async () => {
  const connectionId = await connected()
  for (let n = 0; n <= retry.max; n++) await refresh(database, connectionId, 1)
  expect(await refresh(database, connectionId, 1)).toMatchObject({ outcome: 'refresh_reused' })
  expect(await refresh(database, connectionId, 2)).toEqual({ outcome: 'connection_revoked' })
})

test('G4 refresh_reused: the predecessor after the window', async () => {
  const connectionId = await connected()
  await atOneMoment(database, async (still) => {
    await refresh(still, connectionId, 1)
    await still.passTime(120)
    expect(await refresh(still, connectionId, 1)).toMatchObject({ outcome: 'refresh_reused' })
  })
})

test('G2 refresh_reused: an old token after its successor was used ends the connection with all its tokens', async () => {
  const connectionId = await connected()
  await refresh(database, connectionId, 1)
  await refresh(database, connectionId, 2)
  expect(await refresh(database, connectionId, 1)).toMatchObject({ outcome: 'refresh_reused' })
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
  expect(await refresh(database, connectionId, 13)).toMatchObject({ outcome: 'refresh_reused' })
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

test('G2 refresh_reused: says once whom to tell, in the language of the last sign-in (SECURITY §19)', async () => {
  await database.query("update mcp_data.accounts set language = 'de' where account_id = $1", [person.account_id])
  const connectionId = await connected()
  await refresh(database, connectionId, 1)
  await refresh(database, connectionId, 2)
  expect(await refresh(database, connectionId, 1)).toEqual({
    outcome: 'refresh_reused',
    notice: { email: person.email, language: 'de', server_host: new URL(server.server_url).host },
  })
  expect(await refresh(database, connectionId, 1)).toEqual({ outcome: 'connection_revoked' })
})
