import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Query } from './backend.ts'

export type Migration = { version: string; name: string; sql: string; sha256: string }

/** An applied migration is not the file of that version any more, or has no file: the database cannot be brought up to date. */
export class MigrationConflict extends Error {}

/** This checkout's; the rehearsal of an upgrade names those of the next release (release/rehearse.ts). */
export const migrationsFolder = process.env.MIGRATIONS_FOLDER ?? join(import.meta.dirname, '../../migrations')

/** Reads `<version>_<name>.sql` files in the order of their versions. */
export async function readMigrations(folder: string = migrationsFolder): Promise<Migration[]> {
  const fileNames = (await readdir(folder)).filter((fileName) => fileName.endsWith('.sql')).sort()
  return Promise.all(
    fileNames.map(async (fileName) => {
      const [, version, name] = /^(\d{14})_([a-z0-9_-]+)\.sql$/.exec(fileName) ?? []
      if (version === undefined || name === undefined)
        throw new Error(`${fileName} is not named <14 digits>_<name>.sql`)
      const sql = await readFile(join(folder, fileName), 'utf8')
      return { version, name, sql, sha256: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/**
 * Applies the migrations that are missing, each as a whole or not at all, and gives their versions.
 * @throws MigrationConflict when an applied one was edited or removed
 */
export async function applyMigrations(query: Query, folder: string = migrationsFolder): Promise<string[]> {
  const migrations = await readMigrations(folder)
  await query(createLedgerSql)
  await adoptPasted(query, migrations)
  const applied = await readLedger(query)
  checkLedger(applied, migrations)
  const missing = migrations.filter((migration) => !applied.has(migration.version))
  for (const migration of missing) await query(migrationScript(migration))
  return missing.map((migration) => migration.version)
}

const createLedgerSql = `
  create schema if not exists mcp_local;
  create table if not exists mcp_local.migrations (
    version text primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now());`

/** What would be applied, without applying it. */
export async function pendingMigrations(query: Query, folder: string = migrationsFolder): Promise<string[]> {
  const migrations = await readMigrations(folder)
  const [kept] = await query("select to_regclass('mcp_local.migrations') is not null as is_kept", [])
  const applied = kept?.is_kept === true ? await readLedger(query) : new Map<string, string>()
  checkLedger(applied, migrations)
  const newest = applied.size === 0 ? await pastedVersion(query) : ''
  return migrations.map(({ version }) => version).filter((version) => !applied.has(version) && version > newest)
}

/** Each migration raises the schema's version, so a database that others have migrated says how far. */
async function pastedVersion(query: Query): Promise<string> {
  const [there] = await query("select to_regclass('mcp_data.settings') is not null as is_there", [])
  if (there?.is_there !== true) return ''
  // Only its owner reads the table, and one message is one transaction.
  const [row] = await query('set local role mcp_owner; select schema_version from mcp_data.settings')
  return String(row?.schema_version ?? '')
}

/** A database into which migration-add-mcp.sql was pasted, or which the Supabase CLI has migrated, has no ledger of ours yet. */
async function adoptPasted(query: Query, migrations: readonly Migration[]): Promise<void> {
  if ((await readLedger(query)).size > 0) return
  const newest = await pastedVersion(query)
  for (const { version, name, sha256 } of migrations.filter((migration) => migration.version <= newest)) {
    await query('insert into mcp_local.migrations (version, name, sha256) values ($1, $2, $3)', [version, name, sha256])
  }
}

async function readLedger(query: Query): Promise<Map<string, string>> {
  const rows = await query('select version, sha256 from mcp_local.migrations', [])
  return new Map(rows.map((row) => [String(row.version), String(row.sha256)]))
}

function checkLedger(applied: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const files = new Map(migrations.map((migration) => [migration.version, migration]))
  const newest = [...applied.keys()].sort().at(-1) ?? ''
  for (const [version, sha256] of applied) {
    const file = files.get(version)
    if (file === undefined) {
      throw new MigrationConflict(
        `The database has migration ${version}, which this version of the project does not know.`,
      )
    }
    if (file.sha256 !== sha256) {
      throw new MigrationConflict(`Migration ${version}_${file.name}.sql was edited after it had been applied.`)
    }
  }
  const late = migrations.find((migration) => migration.version < newest && !applied.has(migration.version))
  if (late !== undefined) {
    throw new MigrationConflict(
      `Migration ${late.version}_${late.name}.sql is older than one that was applied before it.`,
    )
  }
}

// One text without `begin`: PostgreSQL runs it as one transaction, and a failure leaves no open one on a pooled connection.
// The ledger's row comes first, so that a second process applying the same migration fails before it changes anything.
function migrationScript({ version, name, sql, sha256 }: Migration): string {
  return `insert into mcp_local.migrations (version, name, sha256) values ('${version}', '${name}', '${sha256}');\n${sql}`
}
