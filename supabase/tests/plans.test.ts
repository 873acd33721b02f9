import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPool } from '../local/src/pool.ts'
import { addKey, addServer, newPerson, type Person } from './support/builders.ts'
import { approve, connect, exchange, introspect, refresh } from './support/connections.ts'
import { fillWithStrangers } from './support/crowd.ts'
import { type Answer, type TestDatabase, testDatabase } from './support/database.ts'
import { digest, id, lifetimes, metadataClient, request } from './support/values.ts'

const database = await testDatabase()
// One session, as one of a pool that lives for days: its plans are made once, and kept.
const session = openPool(database.url, 1)
afterAll(session.close)

type Scanned = { readonly name: string; readonly table: string }
const scanned: Scanned[] = []

/** How often each table of more than a few pages has been read from one end to the other; a short one is read so at best. */
const scansSql = `select relname::text as table, seq_scan as scans from pg_stat_xact_user_tables
  where schemaname = 'mcp_data' and pg_relation_size(relid) > 8 * current_setting('block_size')::integer`

async function countScans(): Promise<Map<string, number>> {
  return new Map((await session.query(scansSql, [])).map(({ table, scans }) => [String(table), Number(scans)]))
}

/** Calls in a transaction of its own, and notes every long table that was read to its end meanwhile. */
async function call(name: string, args: Readonly<Record<string, unknown>>): Promise<Answer> {
  const given = Object.entries(args).filter(([, value]) => value !== undefined)
  const list = given.map(([argument], index) => `${argument} => $${index + 1}`)
  await session.query('begin; set local role mcp_worker')
  try {
    const before = await countScans()
    const values = given.map(([, value]) => value)
    const [row] = await session.query(`select mcp.${name}(${list.join(', ')}) as answer`, values)
    for (const [table, scans] of await countScans()) if (scans > (before.get(table) ?? 0)) scanned.push({ name, table })
    return row?.answer as Answer
  } finally {
    await session.query('commit')
  }
}

const watched: TestDatabase = { ...database, call }

/** Everything that people and programs do all day; often enough that PostgreSQL keeps the plans that it has made. */
async function live(): Promise<void> {
  const server = await addServer(watched)
  const key = await addKey(watched, server)
  for (let round = 0; round < 7; round += 1) {
    const person = await newPerson(watched)
    await exchange(watched, await approve(watched, person, server))
    const connectionId = await connect(watched, person, server)
    await introspect(watched, key, server, connectionId)
    await introspect(watched, key, server, id())
    await refresh(watched, connectionId, 1)
    await refresh(watched, connectionId, 1)
    await call('read_userinfo', { p_connection_id: connectionId, p_epoch: 1, p_scope: ['openid'] })
    await lookAtOwnPages(person)
    await call('get_client', { p_client_id: 'client_claude_code' })
    await call('revoke_token', {
      p_client_id: metadataClient.client_id,
      p_connection_id: connectionId,
      p_refresh_digests: [digest(`refresh ${connectionId} 2`)],
      p_generation: 2,
      p_request: request,
    })
  }
}

async function lookAtOwnPages({ cookie, session: own }: Person): Promise<void> {
  const who = { p_session_digests: [digest(own)], p_session_idle_seconds: lifetimes.session_idle_seconds }
  await call('read_transaction', { p_transaction_id: id(), p_browser_digests: [digest(cookie)], ...who })
  await call('list_own_connections', { ...who, p_after: null, p_limit: 20 })
  await call('list_own_events', { ...who, p_before: null, p_limit: 20 })
}

/** What was scanned by these calls, once each. */
async function scansOf(work: () => Promise<void>): Promise<string[]> {
  scanned.length = 0
  await work()
  return [...new Set(scanned.map(({ name, table }) => `${name} reads all of ${table}`))].sort()
}

describe('with three thousand strangers, no function reads a table from one end to the other', () => {
  beforeAll(async () => {
    await live()
    await fillWithStrangers(database.query, 3000)
  })

  test('nor in a session whose plans were made when the tables were empty, before anything is known of them', async () => {
    expect(await scansOf(live)).toEqual([])
  })

  test('nor once the tables have been counted', async () => {
    await database.query('analyze')
    expect(await scansOf(live)).toEqual([])
  })

  test('an introspection touches twenty pages at most, and is not planned again at each call', async () => {
    const server = await addServer(database)
    const key = await addKey(database, server)
    const connectionId = await connect(database, await newPerson(database), server)
    const ask: TestDatabase['call'] = async (name, args) => {
      const values = Object.values(args)
      const list = Object.keys(args).map((argument, index) => `${argument} => $${index + 1}`)
      const sql = `select mcp.${name}(${list.join(', ')}) as answer`
      // The first looks things up in the catalog, and notes the use of key and connection.
      for (let round = 0; round < 7; round += 1) await session.query(sql, values)
      const touched: number[] = []
      for (let round = 0; round < 5; round += 1) {
        const [row = {}] = await session.query(`explain (analyze, buffers, format json) ${sql}`, values)
        const [{ Plan }] = row['QUERY PLAN'] as [{ Plan: Record<string, number> }]
        touched.push(Number(Plan['Shared Hit Blocks']) + Number(Plan['Shared Read Blocks']))
      }
      return { outcome: 'explained', touched }
    }
    const { touched } = await introspect({ ...database, call: ask }, key, server, connectionId)
    // The least counts: whenever tables are vacuumed, or other files of this run change theirs, one looks things up again.
    const least = Math.min(...(touched as number[]))
    expect(least).toBeGreaterThan(3)
    expect(least).toBeLessThanOrEqual(20)
  })

  test('and without an index it would be seen', async () => {
    await database.query('drop index mcp_data.connections_of_account; analyze')
    expect(await scansOf(live)).toContain('list_own_connections reads all of connections')
  })
})
