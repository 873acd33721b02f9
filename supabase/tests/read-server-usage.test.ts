import { expect, test } from 'vitest'
import { addKey, addServer, newPerson, type Server } from './support/builders.ts'
import { ownerCaller, sessionCaller, strangers } from './support/callers.ts'
import { connect, introspect, refresh } from './support/connections.ts'
import { atOneMoment, type TestDatabase, testDatabase } from './support/database.ts'
import { ownedServer } from './support/offers.ts'
import { preRegistered } from './support/values.ts'

const database = await testDatabase()
type Found = { days: Record<string, unknown>[]; next?: string }

const read = async (server: Server, changes: Record<string, unknown> = {}, where = database) =>
  (await where.call('read_server_usage', {
    p_server_id: server.server_id,
    p_caller: server.caller,
    p_from: '2000-01-01',
    p_to: '2100-01-01',
    p_before: null,
    p_limit: 50,
    ...changes,
  })) as Found & { outcome: string }

/** As if this connection was last used so long ago. */
const lastUsed = (where: TestDatabase, connectionId: string, ago: string) =>
  where.query(`update mcp_data.connections set last_used_at = now() - interval '${ago}' where connection_id = $1`, [
    connectionId,
  ])

const aMinute = '61 seconds'

/** The day that it is, and how often a use a minute after another one is the first of its day: never, but right after midnight. */
async function dayOf({ query }: TestDatabase): Promise<{ today: string; firstUses: number }> {
  const [row] = await query(
    `select d.today::text, (d.today <> ((now() - interval '${aMinute}') at time zone 'UTC')::date)::integer as first
     from (select (now() at time zone 'UTC')::date as today) d`,
    [],
  )
  return { today: String(row?.today), firstUses: Number(row?.first) }
}

test('found: connections made and used, refreshes and minutes of use, by day and client', async () => {
  await atOneMoment(database, async (still) => {
    const { today, firstUses } = await dayOf(still)
    const server = await addServer(still)
    const key = await addKey(still, server)
    const person = await newPerson(still)
    const one = await connect(still, person, server)
    await connect(still, person, server)
    await connect(still, person, server, { redirect_uri: 'http://localhost/callback' }, preRegistered)
    await refresh(still, one, 1)
    // Three introspections: at once, and one minute and two minutes later.
    await introspect(still, key, server, one)
    for (let minute = 0; minute < 2; minute += 1) {
      await lastUsed(still, one, aMinute)
      await introspect(still, key, server, one)
    }
    const { days } = await read(server, {}, still)
    expect(days).toHaveLength(2)
    expect(days).toContainEqual({
      day: today,
      client_id: 'https://app.example/client.json',
      client_name: 'App',
      connected: 2,
      used: 2 + 2 * firstUses,
      refreshed: 1,
      active_minutes: 4,
    })
    expect(days).toContainEqual({
      day: today,
      client_id: 'client_claude_code',
      client_name: 'Claude Code',
      connected: 1,
      used: 1,
      refreshed: 0,
      active_minutes: 1,
    })
  })
})

test('a connection counts as used once a day', async () => {
  await atOneMoment(database, async (still) => {
    const { firstUses } = await dayOf(still)
    const server = await addServer(still)
    const key = await addKey(still, server)
    const connectionId = await connect(still, await newPerson(still), server)
    await lastUsed(still, connectionId, '1 day')
    await introspect(still, key, server, connectionId)
    await lastUsed(still, connectionId, aMinute)
    await introspect(still, key, server, connectionId)
    expect((await read(server, {}, still)).days).toMatchObject([{ used: 2 + firstUses, connected: 1 }])
  })
})

test('rows grow with days and clients, eight at most each, and not with tokens (decision 4)', async () => {
  await atOneMoment(database, async (still) => {
    const server = await addServer(still)
    const connectionId = await connect(still, await newPerson(still), server)
    for (let generation = 1; generation < 10; generation += 1) await refresh(still, connectionId, generation)
    const [row] = await still.query('select count(*)::integer as count from mcp_data.usage_days where server_id = $1', [
      server.server_id,
    ])
    expect(row).toEqual({ count: 1 })
  })
})

test('found: within the days that are asked for, page after page', async () => {
  const server = await addServer(database)
  await connect(database, await newPerson(database), server)
  await database.query(
    `insert into mcp_data.usage_days (server_id, day, client_id_digest, shard, connected)
     select server_id, day - n, client_id_digest, 3, n from mcp_data.usage_days, generate_series(1, 4) n where server_id = $1`,
    [server.server_id],
  )
  const seen: unknown[] = []
  let before: string | undefined
  do {
    const page = await read(server, { p_before: before ?? null, p_limit: 2 })
    seen.push(...page.days.map(({ connected }) => connected))
    before = page.next
  } while (before !== undefined)
  expect(seen).toEqual([1, 1, 2, 3, 4])
  const [row] = await database.query('select max(day)::text as day from mcp_data.usage_days where server_id = $1', [
    server.server_id,
  ])
  expect((await read(server, { p_from: row?.day, p_to: row?.day })).days).toHaveLength(1)
})

test('J3 not_found, scope_missing, caller_unknown and sign_in', async () => {
  const { server, owner } = await ownedServer(database)
  expect(await read(server, { p_caller: (await addServer(database)).caller })).toEqual({ outcome: 'not_found' })
  const p_caller = await ownerCaller(database, owner, ['servers:write'])
  expect(await read(server, { p_caller })).toEqual({ outcome: 'scope_missing', scope: 'servers:read' })
  for (const [, stranger] of strangers)
    expect(await read(server, { p_caller: stranger })).toEqual({ outcome: 'caller_unknown' })
  expect(await read(server, { p_caller: sessionCaller({ cookie: '', session: '' }) })).toEqual({ outcome: 'sign_in' })
})
