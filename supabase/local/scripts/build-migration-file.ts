// Writes supabase/migration-add-mcp.sql: all migrations in order, for the SQL editor. With --check it only compares.
import { join } from 'node:path'
import { readMigrations } from '../src/migrations.ts'
import { writeOrCheck } from './generated-file.ts'

const migrations = await readMigrations()
const parts = migrations.map(({ version, name, sql }) => `-- migrations/${version}_${name}.sql\n\n${sql}`)
const text = `-- Auth-Agent MCP: all migrations in order, for a project without the Supabase CLI. Paste it into the SQL editor and run it
-- once. Built by supabase/local/scripts/build-migration-file.ts; do not edit.

begin;

${parts.join('\n')}
commit;
`
await writeOrCheck(
  join(import.meta.dirname, '../../migration-add-mcp.sql'),
  text,
  'pnpm --dir supabase/local build-migration-file',
)
