import type { Query, Row } from './backend.ts'

export type Argument = { name: string; type: string; hasDefault: boolean }

export type DatabaseFunction = {
  name: string
  arguments: readonly Argument[]
  returnType: string
  returnsSet: boolean
}

/** What the surface knows of the database, like PostgREST's schema cache. */
export type Catalog = {
  functions: ReadonlyMap<string, readonly DatabaseFunction[]>
  /** Settings of each role that an impersonated role takes with it, such as statement_timeout. */
  roleSettings: ReadonlyMap<string, ReadonlyMap<string, string>>
}

/** Reads the functions of `schema` and the settings of all roles. */
export async function readCatalog(query: Query, schema: string): Promise<Catalog> {
  const functions = new Map<string, DatabaseFunction[]>()
  for (const found of (await query(functionsSql, [schema])).map(functionOf)) {
    if (found.arguments.some((argument) => argument.name === '')) continue
    functions.set(found.name, [...(functions.get(found.name) ?? []), found])
  }
  const roleSettings = new Map<string, Map<string, string>>()
  for (const row of await query(roleSettingsSql, [])) {
    const settings = roleSettings.get(String(row.role)) ?? new Map()
    roleSettings.set(String(row.role), settings.set(String(row.name), String(row.value)))
  }
  return { functions, roleSettings }
}

const functionsSql = `
  select p.proname as name, p.proretset as returns_set, format_type(p.prorettype, null) as return_type,
    p.pronargs - p.pronargdefaults as required,
    array(select coalesce(p.proargnames[i], '') from generate_subscripts(coalesce(p.proargnames, '{}'), 1) as i
      where p.proargmodes is null or p.proargmodes[i] in ('i', 'b', 'v') order by i) as names,
    array(select format_type(t.oid, null) from unnest(p.proargtypes) with ordinality as t(oid, i) order by i) as types
  from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
  where n.nspname = $1 and p.prokind = 'f' and p.provariadic = 0`

// As PostgREST does: only settings that any user may make, later applied for one transaction.
const roleSettingsSql = `
  select r.rolname as role, split_part(line, '=', 1) as name, substr(line, strpos(line, '=') + 1) as value
  from pg_roles as r cross join unnest(r.rolconfig) as line
  join pg_settings as s on s.name = split_part(line, '=', 1) and s.context = 'user'`

function functionOf(row: Row): DatabaseFunction {
  const names = stringsOf(row.names)
  const required = Number(row.required)
  return {
    name: String(row.name),
    arguments: stringsOf(row.types).map((type, index) => ({
      name: names[index] ?? '',
      type,
      hasDefault: index >= required,
    })),
    returnType: String(row.return_type),
    returnsSet: row.returns_set === true,
  }
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}
