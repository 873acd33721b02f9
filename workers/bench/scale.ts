/** `npm run bench -- --scale [--write]`: does a full table slow anything down, and how much does a connection take up? */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Query } from 'auth-agent-mcp-local/src/backend.ts'
import { type Effort, type Measurement, measure } from './measure.ts'
import { makeScenarios, type Scenario } from './scenarios.ts'
import { type Bundles, startUnderTest, type UnderTest } from './under-test.ts'

const sizes = [1_000, 10_000, 100_000] as const
const watched = ['introspect live', 'exchange', 'refresh']
const effort: Effort = { rounds: 9, durationMs: 600, callers: [1] }

const page = join(import.meta.dirname, '../../docs/scaling.md')
const marker = '<!-- measured: everything below is written by `npm run bench -- --scale --write` -->'

type Storage = { connections: number; bytesEach: number; indexBytesEach: number }
type Filled = { size: number; underTest: UnderTest; storage: Storage; scenarios: readonly Scenario[] }

/** Fills up with connections of people who have three each, as the one that was really approved. */
async function fillUp(query: Query, connections: number): Promise<void> {
  await query(`
    with people as (
      insert into mcp_data.accounts (account_id, email, email_verified_at)
      select gen_random_uuid(), 'person-' || gen_random_uuid() || '@example.com', now()
      from generate_series(1, ceil((${connections} - (select count(*) from mcp_data.connections)) / 3.0)::integer)
      returning account_id)
    insert into mcp_data.connections
    select (jsonb_populate_record(t, jsonb_build_object(
      'connection_id', translate(encode(substring(sha256(convert_to(p.account_id || n::text, 'UTF8')) for 16), 'base64'), '+/=', '-_'),
      'account_id', p.account_id, 'generation', 1, 'code_redeemed_at', now(), 'refresh_kid', 'bench',
      'refresh_digest', '\\x' || encode(sha256(convert_to(p.account_id || n::text, 'UTF8')), 'hex')))).*
    from mcp_data.connections t, people p, generate_series(1, 3) n
    where t.connection_id = (select connection_id from mcp_data.connections order by created_at limit 1)`)
  await query('vacuum analyze mcp_data.connections')
  await query('vacuum analyze mcp_data.accounts')
  // What filling has written is on disk before anything is measured; else the disk would still be busy with it.
  await query('checkpoint')
}

async function readStorage(query: Query): Promise<Storage> {
  const [row] = await query(`select count(*)::integer as connections,
    pg_table_size('mcp_data.connections') / count(*)::float as bytes,
    pg_indexes_size('mcp_data.connections') / count(*)::float as index_bytes from mcp_data.connections`)
  const { connections, bytes, index_bytes } = row ?? {}
  return { connections: Number(connections), bytesEach: Number(bytes), indexBytesEach: Number(index_bytes) }
}

const nameAt = (name: string, size: number): string => `${name} at ${size}`

/** A deployment of its own for each size, because only what is measured in the same moments can be compared. */
async function startFilled(size: number, bundles: Bundles): Promise<Filled> {
  const underTest = await startUnderTest('real', bundles)
  const { scenarios } = await makeScenarios(underTest)
  await fillUp(underTest.database.query, size)
  const besides = (name: string) => (size === sizes[0] ? {} : { besides: nameAt(name, sizes[0]) })
  const chosen = scenarios.filter(({ name }) => watched.includes(name))
  return {
    size,
    underTest,
    storage: await readStorage(underTest.database.query),
    scenarios: chosen.map(({ besides: _, ...scenario }) => ({
      ...scenario,
      name: nameAt(scenario.name, size),
      ...besides(scenario.name),
    })),
  }
}

function report(filled: readonly Filled[], measurements: readonly Measurement[]): string {
  const header = `| connections | bytes each | of indexes | ${watched.join(' | ')} |`
  const rows = filled.map(({ size, storage }) => {
    const ratios = watched.map((name) => {
      const found = measurements.find((one) => one.name === nameAt(name, size))
      return (size === sizes[0] ? 1 : (found?.ratio ?? Number.NaN)).toFixed(2)
    })
    const { connections, bytesEach, indexBytesEach } = storage
    const numbers = [connections.toLocaleString('en'), bytesEach.toFixed(0), indexBytesEach.toFixed(0)]
    return `| ${[...numbers, ...ratios].join(' | ')} |`
  })
  return [header, `|${' ---: |'.repeat(3 + watched.length)}`, ...rows].join('\n')
}

async function measureFilled(filled: readonly Filled[]): Promise<Measurement[]> {
  // The sizes of one request come one after the other, and each round begins with another of them.
  const scenarios = watched.flatMap((name) =>
    filled.flatMap((one) => one.scenarios.filter((scenario) => scenario.name === nameAt(name, one.size))),
  )
  return measure(scenarios, effort, () => process.stderr.write('.'))
}

export async function measureScale(bundles: Bundles, options: { readonly write: boolean }): Promise<void> {
  const filled: Filled[] = []
  try {
    for (const size of sizes) filled.push(await startFilled(size, bundles))
    const table = report(filled, await measureFilled(filled))
    console.log(`\n${table}`)
    if (options.write) writePage(table)
  } finally {
    for (const { underTest } of filled) await underTest.close()
  }
}

function writePage(table: string): void {
  const text = readFileSync(page, 'utf8')
  const place = text.indexOf(marker)
  if (place === -1) throw new Error(`${page} has lost its marker`)
  writeFileSync(page, `${text.slice(0, place + marker.length)}\n\n${table}\n`)
}
