// Says whether supabase/schemas/ and supabase/migrations/ build the same database. Both are built, in memory, and their
// catalogs compared. There is nothing to write: a difference is closed by a new migration, or by correcting schemas/.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withEmptyDatabase, withMigratedDatabase } from './built-database.ts'
import { describeCatalog } from './describe-catalog.ts'

const supabase = join(import.meta.dirname, '../..')

const fromSchemas = await withEmptyDatabase(async (query) => {
  for (const path of await schemaFiles()) {
    await query(await readFile(path, 'utf8')).catch((cause: unknown) => {
      throw new Error(`${path} cannot be applied: ${cause instanceof Error ? cause.message : cause}`, { cause })
    })
  }
  return describeCatalog(query)
})
const fromMigrations = await withMigratedDatabase(describeCatalog)
const missing = [...fromSchemas].filter((line) => !fromMigrations.has(line))
const extra = [...fromMigrations].filter((line) => !fromSchemas.has(line))
if (missing.length + extra.length === 0) {
  console.log('supabase/schemas equals the migrations.')
} else {
  console.error(
    'supabase/schemas and supabase/migrations build different databases: add a migration, or correct schemas.',
  )
  for (const line of missing) console.error(`  only in schemas:    ${line}`)
  for (const line of extra) console.error(`  only in migrations: ${line}`)
  process.exitCode = 1
}

// The order stands in config.toml, where the Supabase CLI reads it too.
async function schemaFiles(): Promise<string[]> {
  const config = await readFile(join(supabase, 'config.toml'), 'utf8')
  const [, list] = /schema_paths = \[([^\]]*)\]/.exec(config) ?? []
  if (list === undefined) throw new Error('supabase/config.toml has no schema_paths.')
  const patterns = [...list.matchAll(/"([^"]+)"/g)].map((match) => join(supabase, match[1] ?? ''))
  const files = await Promise.all(patterns.map(expand))
  const listed = files.flat()
  const existing = (await readdir(join(supabase, 'schemas'), { recursive: true })).filter((name) =>
    name.endsWith('.sql'),
  )
  const forgotten = existing.filter((name) => !listed.includes(join(supabase, 'schemas', name)))
  if (forgotten.length > 0)
    throw new Error(`supabase/config.toml does not list schemas/${forgotten.join(', schemas/')}.`)
  return listed
}

async function expand(pattern: string): Promise<string[]> {
  if (!pattern.endsWith('/*.sql')) return [pattern]
  const folder = pattern.slice(0, -'/*.sql'.length)
  return (await readdir(folder))
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => join(folder, name))
}
