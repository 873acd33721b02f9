// Writes workers/src/store/database.ts: the argument types of every function that the Worker may call, read from pg_catalog of a
// database built by the migrations (ARCHITECTURE decision 11). With --check it only compares.
import { join } from 'node:path'
import type { Query } from '../src/backend.ts'
import { withMigratedDatabase } from './built-database.ts'
import { writeOrCheck } from './generated-file.ts'

const target = join(import.meta.dirname, '../../../workers/src/store/database.ts')

const argumentsSql = `
  select p.proname as function_name, a.name as argument_name, format_type(a.type, null) as type_name,
    a.place > p.pronargs - p.pronargdefaults as has_default
  from pg_proc p
  left join unnest(p.proargtypes::oid[], p.proargnames) with ordinality as a(type, name, place) on true
  where p.pronamespace = 'mcp'::regnamespace and has_function_privilege('mcp_worker', p.oid, 'execute')
  order by p.proname, a.place`

const scalarTypes: Readonly<Record<string, string>> = {
  bigint: 'number',
  boolean: 'boolean',
  bytea: 'Digest',
  integer: 'number',
  jsonb: 'Json',
  text: 'string',
  'timestamp with time zone': 'string',
  uuid: 'string',
}

await withMigratedDatabase(async (query) => {
  await writeOrCheck(target, await databaseFile(query), 'pnpm --dir supabase/local generate-database-types')
})

async function databaseFile(query: Query): Promise<string> {
  const functions = Map.groupBy(await query(argumentsSql, []), (row) => String(row.function_name))
  const entries = [...functions].map(([name, rows]) => {
    const members = rows.filter((row) => row.argument_name !== null).map(memberOf)
    return members.length === 0
      ? `  ${name}: Record<string, never>`
      : `  ${name}: {\n${members.map((member) => `    ${member}\n`).join('')}  }`
  })
  return `// Generated from pg_catalog by supabase/local/scripts/generate-database-types.ts. Do not edit.

/** A bytea as PostgreSQL writes it in JSON: \`\\\\x\` and hexadecimal digits. */
export type Digest = string

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined }

/** The arguments of each function of schema mcp that the Worker may call. Those with a default may be left out. */
export type FunctionArguments = {
${entries.join('\n')}
}
`
}

function memberOf(row: Record<string, unknown>): string {
  const typeName = String(row.type_name)
  const scalar = scalarTypes[typeName.replace('[]', '')]
  if (scalar === undefined) throw new Error(`${row.function_name}: no TypeScript type is known for ${typeName}.`)
  const type = typeName.endsWith('[]') ? `readonly ${scalar}[]` : scalar
  return `${row.argument_name}${row.has_default === true ? '?' : ''}: ${type} | null`
}
