import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { withEmptyDatabase } from '../../supabase/local/scripts/built-database.ts'
import { applyMigrations, readMigrations } from '../../supabase/local/src/migrations.ts'
import { type Callable, lostCalls, readCallables, whatIsTakenAway } from '../expand.ts'
import { lastMigration, readReleased } from '../released.ts'
import { root } from '../versions.ts'

const nextMigration = 'release/next/29991231000000_next.sql'

describe('a statement that takes something away', () => {
  test.each([
    ['alter table mcp_data.accounts drop column name', 'drops accounts.name'],
    ['alter table mcp_data.accounts alter column name type varchar(10)', 'changes the type of accounts.name'],
    ['alter table mcp_data.accounts alter column name set not null', 'makes accounts.name not null'],
    [
      'alter table mcp_data.accounts add column nick text not null',
      'adds accounts.nick, not null and without a default',
    ],
    ['alter table mcp_data.accounts rename column name to full_name', 'renames accounts.name to full_name'],
    ['alter table mcp_data.accounts rename to people', 'renames accounts to people'],
    ['drop table mcp_data.limits', 'drops a table'],
    ['drop schema mcp', 'drops a schema'],
    ['truncate mcp_data.limits', 'empties a table'],
  ])('is found: %s', async (sql, said) => {
    expect(await whatIsTakenAway(`select 'ä';\n${sql};`)).toEqual([said])
    expect(await whatIsTakenAway(`select 'ä';\n\n-- contract: nothing reads it since 1.4\n${sql};`)).toEqual([])
    expect(await whatIsTakenAway(`-- contract: of another statement\nselect 1;\n${sql};`)).toEqual([said])
  })

  test.each([
    'create table mcp_data.nicks (nick text not null)',
    'alter table mcp_data.accounts add column nick text',
    "alter table mcp_data.accounts add column nick text not null default 'none'",
    'alter table mcp_data.accounts alter column name drop not null',
    'create index accounts_by_name on mcp_data.accounts (name)',
    "comment on table mcp_data.accounts is 'drop table'",
    'drop function mcp.get_client(text)',
  ])('is not: %s', async (sql) => {
    expect(await whatIsTakenAway(sql)).toEqual([])
  })
})

describe('a call of the release before', () => {
  const text = (name: string, isOptional = false) => ({ name, type: 'text', isOptional })
  const before: Callable[] = [{ name: 'read', parameters: [text('p_id'), text('p_now', true)] }]

  test.each<[string, Callable[], string[]]>([
    ['finds the same function', before, []],
    [
      'finds one with one more that may be left out',
      [{ name: 'read', parameters: [text('p_id'), text('p_now', true), text('p_more', true)] }],
      [],
    ],
    ['finds none', [], ['read(p_id, p_now) cannot be called any more', 'read(p_id) cannot be called any more']],
    [
      'finds one that wants more',
      [{ name: 'read', parameters: [text('p_id'), text('p_now'), text('p_more')] }],
      ['read(p_id, p_now) cannot be called any more', 'read(p_id) cannot be called any more'],
    ],
    [
      'finds one that wants another type',
      [{ name: 'read', parameters: [text('p_id'), { name: 'p_now', type: 'integer', isOptional: true }] }],
      ['read(p_id, p_now) cannot be called any more'],
    ],
    [
      'finds two that would do',
      [...before, { name: 'read', parameters: [text('p_id'), text('p_more', true)] }],
      ['read(p_id) could be either of 2 functions'],
    ],
  ])('%s', (_, after, said) => {
    expect(lostCalls(before, after)).toEqual(said)
  })
})

/** Everything that is wrong with the migrations after `last`, for a Worker that was written for `last`. */
async function complaintsAfter(last: string, folder?: string): Promise<string[]> {
  const migrations = await readMigrations(folder)
  const taken = migrations.filter(({ version }) => version > last)
  const statements = await Promise.all(
    taken.map(async ({ name, sql }) => (await whatIsTakenAway(sql)).map((one) => `${name} ${one}`)),
  )
  return withEmptyDatabase(async (query) => {
    const earlier = await mkdtemp(join(tmpdir(), 'migrations-'))
    for (const { version, name, sql } of migrations.filter((one) => one.version <= last)) {
      await writeFile(join(earlier, `${version}_${name}.sql`), sql)
    }
    await applyMigrations(query, earlier)
    const before = await readCallables(query)
    await rm(earlier, { recursive: true })
    await applyMigrations(query, folder)
    return [...statements.flat(), ...lostCalls(before, await readCallables(query))]
  })
}

describe('the migrations since the last release', () => {
  const { last_migration } = readReleased()

  // Before the first release there is no Worker that could be broken.
  if (last_migration !== null) {
    test('let its Worker go on working', async () => {
      expect(await complaintsAfter(last_migration.slice(0, 14))).toEqual([])
    })
  }

  test('of the rehearsal do', async () => {
    expect(await complaintsWith(await readFile(join(root, nextMigration), 'utf8'))).toEqual([])
  })

  test('that take something away are told, with what the Worker could not do any more', async () => {
    const breaking = `set role mcp_owner;
      drop function mcp.read_readiness();
      create function mcp.read_readiness(p_who text) returns jsonb language sql return jsonb_build_object('outcome', 'ready');
      revoke execute on function mcp.get_client from mcp_worker;
      alter table mcp_data.accounts drop column name;
      reset role;`
    const complaints = await complaintsWith(breaking)
    const lost = ['get_client(p_client_id)', 'read_readiness()'].map((call) => `${call} cannot be called any more`)
    expect(complaints).toEqual(['next drops accounts.name', ...lost])
  })
})

/** What a further migration breaks for the Worker of this checkout. */
async function complaintsWith(sql: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  try {
    await cp(join(root, 'supabase/migrations'), folder, { recursive: true })
    await writeFile(join(folder, '29991231000000_next.sql'), sql)
    return await complaintsAfter(lastMigration().slice(0, 14), folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
