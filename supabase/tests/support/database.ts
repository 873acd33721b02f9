import { afterAll, inject } from 'vitest'
import type { Query } from '../../local/src/backend.ts'
import { openPool } from '../../local/src/pool.ts'
import { createDatabase, dropDatabase } from '../../local/src/postgres.ts'

export type Answer = { outcome: string; [member: string]: unknown }

export type TestDatabase = {
  url: string
  /** As the superuser that owns the cluster: to arrange and to look. */
  query: Query
  /** As mcp_worker, the role the Worker has. */
  call: (name: string, args: Readonly<Record<string, unknown>>) => Promise<Answer>
  /** As mcp_operator, the role that operators have. */
  callAsOperator: (name: string, args: Readonly<Record<string, unknown>>) => Promise<Answer>
  /** Moves everything that is stored into the past, as if this much time had gone by. */
  passTime: (seconds: number) => Promise<void>
  events: () => Promise<string[]>
}

/** The same database in the hands of a worker whose transactions can only read, as on a standby or a full disk. */
export async function takingNoChanges<Result>(
  database: TestDatabase,
  work: (database: TestDatabase) => Promise<Result>,
): Promise<Result> {
  const url = new URL(database.url)
  url.searchParams.set('options', '-c role=mcp_worker -c default_transaction_read_only=on')
  const worker = openPool(url.href, 1)
  try {
    return await work({ ...database, call: (name, args) => callFunction(worker.query, name, args) })
  } finally {
    await worker.close()
  }
}

/**
 * Works at one moment of the database: all of it is one transaction, and its clock stands still. So what is right just
 * before a limit and at it can be told apart, however slow the machine is. One call at a time.
 */
export async function atOneMoment<Result>(
  database: TestDatabase,
  work: (database: TestDatabase) => Promise<Result>,
): Promise<Result> {
  const pool = openPool(database.url, 1)
  const actAs =
    (role: string): Query =>
    async (sql, params) => {
      await pool.query(`set local role ${role}`)
      return pool.query(sql, params)
    }
  const query = actAs('none')
  try {
    await pool.query('begin')
    const result = await work({
      ...database,
      query,
      call: (name, args) => callFunction(actAs('mcp_worker'), name, args),
      callAsOperator: (name, args) => callFunction(actAs('mcp_operator'), name, args),
      passTime: (seconds) => passTime(query, seconds),
      events: () => eventsIn(query),
    })
    await pool.query('commit')
    return result
  } finally {
    await pool.close()
  }
}

/** A fresh migrated database for one test file; dropped after it. */
export async function testDatabase(): Promise<TestDatabase> {
  const url = await createDatabase(inject('postgresUrl'), inject('templateName'))
  const owner = openPool(url, 2)
  const worker = openPool(actingAs(url, 'mcp_worker'), 24)
  const operator = openPool(actingAs(url, 'mcp_operator'), 4)
  afterAll(async () => {
    await Promise.all([owner.close(), worker.close(), operator.close()])
    await dropDatabase(url)
  })
  return {
    url,
    query: owner.query,
    call: (name, args) => callFunction(worker.query, name, args),
    callAsOperator: (name, args) => callFunction(operator.query, name, args),
    passTime: (seconds) => passTime(owner.query, seconds),
    events: () => eventsIn(owner.query),
  }
}

async function passTime(query: Query, seconds: number): Promise<void> {
  await query(`set mcp.seconds = '${seconds}'; ${passTimeSql}`)
}

async function eventsIn(query: Query): Promise<string[]> {
  const rows = await query('select event from mcp_data.audit_events order by occurred_at, event', [])
  return rows.map((row) => String(row.event))
}

function actingAs(databaseUrl: string, role: string): string {
  const url = new URL(databaseUrl)
  url.searchParams.set('options', `-c role=${role}`)
  return url.href
}

async function callFunction(query: Query, name: string, args: Readonly<Record<string, unknown>>): Promise<Answer> {
  const given = Object.entries(args).filter(([, value]) => value !== undefined)
  const list = given.map(([argument], index) => `${argument} => $${index + 1}`)
  const [row] = await query(
    `select mcp.${name}(${list.join(', ')}) as answer`,
    given.map(([, value]) => value),
  )
  return row?.answer as Answer
}

const passTimeSql = `
  do $$
  declare
    r record;
    v_span text := format('interval %L', current_setting('mcp.seconds') || ' seconds');
  begin
    for r in
      select c.oid::regclass as name, string_agg(format('%1$I = %1$I - %2$s', a.attname, v_span), ', ') as changes
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'mcp_data'::regnamespace and c.relkind = 'r' and a.atttypid = 'timestamptz'::regtype
        and not c.relispartition and not a.attisdropped
      group by c.oid
    loop
      execute format('update %s set %s', r.name, r.changes);
    end loop;
    execute format('update mcp_data.limits set hits = array(select h - %s from unnest(hits) h)', v_span);
  end $$;`
