import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, inject, test } from 'vitest'
import type { Query } from '../local/src/backend.ts'
import { bootstrap } from '../local/src/bootstrap.ts'
import { applyMigrations, MigrationConflict, pendingMigrations, readMigrations } from '../local/src/migrations.ts'
import { openPglite } from '../local/src/pglite.ts'
import { openPool } from '../local/src/pool.ts'
import { createDatabase, dropDatabase } from '../local/src/postgres.ts'
import { untilAlone } from './support/supabase-project.ts'

const folder = await mkdtemp(join(tmpdir(), 'auth-agent-migrations-'))
afterAll(() => rm(folder, { recursive: true }))

async function onEmptyDatabase(work: (query: Query) => Promise<void>): Promise<void> {
  const url = await createDatabase(inject('postgresUrl'))
  const pool = openPool(url, 3)
  try {
    await work((...args) => untilAlone(() => pool.query(...args)))
  } finally {
    await pool.close()
    await dropDatabase(url)
  }
}

test('every migration is applied once, and a second start changes nothing', async () => {
  await onEmptyDatabase(async (query) => {
    const versions = (await readMigrations()).map((migration) => migration.version)
    expect(await applyMigrations(query)).toEqual(versions)
    expect(await applyMigrations(query)).toEqual([])
    expect(await query('select mcp.read_readiness() as answer')).toMatchObject([{ answer: { outcome: 'ready' } }])
  })
})

test('the session is left with the role it had', async () => {
  await onEmptyDatabase(async (query) => {
    const before = await query('select current_user')
    await applyMigrations(query)
    expect(await query('select current_user')).toEqual(before)
  })
})

test('an edited, a removed and a late migration are refused with a sentence that names it', async () => {
  await onEmptyDatabase(async (query) => {
    const path = join(folder, '20260101000000_first.sql')
    await writeFile(path, 'create table first ();')
    await applyMigrations(query, folder)
    await writeFile(path, 'create table first (edited text);')
    await expect(applyMigrations(query, folder)).rejects.toThrow(
      'Migration 20260101000000_first.sql was edited after it had been applied.',
    )
    await rm(path)
    await expect(applyMigrations(query, folder)).rejects.toThrow(MigrationConflict)
    await writeFile(path, 'create table first ();')
    await writeFile(join(folder, '20250101000000_late.sql'), 'create table late ();')
    await expect(applyMigrations(query, folder)).rejects.toThrow(
      '20250101000000_late.sql is older than one that was applied before it',
    )
    await rm(join(folder, '20250101000000_late.sql'))
    await rm(path)
  })
})

test('a migration that fails leaves nothing behind, and the one before it stays', async () => {
  await onEmptyDatabase(async (query) => {
    await writeFile(join(folder, '20260101000000_good.sql'), 'create table good ();')
    await writeFile(join(folder, '20260102000000_bad.sql'), 'create table half (); select 1 / 0;')
    await expect(applyMigrations(query, folder)).rejects.toThrow('division by zero')
    const rows = await query("select to_regclass('good') is not null as good, to_regclass('half') is not null as half")
    expect(rows).toEqual([{ good: true, half: false }])
    expect(await query('select version from mcp_local.migrations')).toEqual([{ version: '20260101000000' }])
  })
})

test('migration-add-mcp.sql does the same in one paste', async () => {
  await onEmptyDatabase(async (query) => {
    await query(await readFile(new URL('../migration-add-mcp.sql', import.meta.url), 'utf8'))
    expect(await query('select mcp.read_readiness() as answer')).toMatchObject([{ answer: { outcome: 'ready' } }])
  })
})

test('what was pasted is not applied again: the database says how far it is', async () => {
  await onEmptyDatabase(async (query) => {
    const versions = (await readMigrations()).map((migration) => migration.version)
    expect(await pendingMigrations(query)).toEqual(versions)
    await query(await readFile(new URL('../migration-add-mcp.sql', import.meta.url), 'utf8'))
    expect(await pendingMigrations(query)).toEqual([])
    expect(await applyMigrations(query)).toEqual([])
    expect(await query('select version from mcp_local.migrations order by 1')).toEqual(
      versions.map((version) => ({ version })),
    )
    expect(await pendingMigrations(query)).toEqual([])
  })
})

test('every migration raises the schema version to its own (HTTP-API, GET /ready)', async () => {
  for (const { version, name, sql } of await readMigrations()) {
    expect([name, sql.includes(`'${version}'`)]).toEqual([name, true])
  }
})

test('a role that is no superuser can migrate, as the `postgres` of a Supabase project (SECURITY §27)', async () => {
  const backend = await openPglite()
  try {
    await bootstrap(backend.query)
    await backend.query('create role migrator login createrole createdb bypassrls')
    await backend.query(
      'do $$ begin execute format($f$grant create on database %I to migrator$f$, current_database()); end $$',
    )
    await backend.query('create schema auth')
    await backend.query(`create table auth.users (id uuid, email text, is_sso_user boolean, email_confirmed_at timestamptz, deleted_at timestamptz);
      alter table auth.users enable row level security; grant usage on schema auth to migrator; grant select on auth.users to migrator;
      insert into auth.users values ('10000000-0000-4000-8000-000000000001', 'a@mail.example', false, now(), null)`)
    await backend.query('set session authorization migrator')
    await backend.query(await readFile(new URL('../migration-add-mcp.sql', import.meta.url), 'utf8'))
    expect(await backend.query('select current_user::text as role')).toEqual([{ role: 'migrator' }])
    await backend.query('set session authorization postgres')
    await backend.query('set role mcp_worker')
    expect(await backend.query('select mcp.read_readiness() as answer')).toMatchObject([
      { answer: { outcome: 'ready' } },
    ])
    await backend.query('set role mcp_owner')
    expect(await backend.query("select mcp_data.find_auth_user('a@mail.example') as id")).toEqual([
      { id: '10000000-0000-4000-8000-000000000001' },
    ])
  } finally {
    await backend.close()
  }
})

test('the migrations need none of the roles of a Supabase project', async () => {
  const backend = await openPglite()
  try {
    await applyMigrations(backend.query)
    expect(await backend.query('set role mcp_worker; select mcp.read_readiness() as answer')).toMatchObject([
      { answer: { outcome: 'ready' } },
    ])
  } finally {
    await backend.close()
  }
})
