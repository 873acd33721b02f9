/** Whether migrations only add: then the Worker of the release before runs on the schema that they make. */
import { type AlterTableCmd, type Node, parse } from 'libpg-query'
import type { Query } from '../supabase/local/src/backend.ts'

/** Stands above a statement that takes something away which nothing has used since the release before. */
const contractMark = /^-- contract: \S/m

/** Says of each statement of a migration that takes something away what that is, unless it is marked as a contract step. */
export async function whatIsTakenAway(sql: string): Promise<string[]> {
  const bytes = Buffer.from(sql)
  const { stmts = [] } = await parse(sql)
  let end = 0
  return stmts.flatMap(({ stmt, stmt_location: start = 0, stmt_len: length = bytes.length - start }) => {
    // A statement begins at its first word; what stands above it does so since the end of the one before.
    const text = bytes.subarray(end, start + length).toString()
    end = start + length
    return stmt === undefined || contractMark.test(text) ? [] : takenAwayBy(stmt)
  })
}

const nameOf = (parts: readonly (string | undefined)[]) => parts.filter((part) => part !== undefined).join('.')

function takenAwayBy(stmt: Node): string[] {
  if ('RenameStmt' in stmt) {
    const { relation, subname, newname } = stmt.RenameStmt
    return [`renames ${nameOf([relation?.relname, subname])} to ${newname}`]
  }
  if ('DropStmt' in stmt) {
    // A function that is dropped and made anew is judged by how it can be called.
    const kind = stmt.DropStmt.removeType?.replace('OBJECT_', '').toLowerCase() ?? ''
    return ['function', 'index', 'trigger', 'policy'].includes(kind) ? [] : [`drops a ${kind}`]
  }
  if ('TruncateStmt' in stmt) return ['empties a table']
  if (!('AlterTableStmt' in stmt)) return []
  const { relation, cmds = [] } = stmt.AlterTableStmt
  return cmds.flatMap((one) => ('AlterTableCmd' in one ? changeOf(one.AlterTableCmd, relation?.relname) : []))
}

function changeOf({ subtype, name, def }: AlterTableCmd, table: string | undefined): string[] {
  if (subtype === 'AT_DropColumn') return [`drops ${nameOf([table, name])}`]
  if (subtype === 'AT_AlterColumnType') return [`changes the type of ${nameOf([table, name])}`]
  if (subtype === 'AT_SetNotNull') return [`makes ${nameOf([table, name])} not null`]
  if (subtype !== 'AT_AddColumn' || def === undefined || !('ColumnDef' in def)) return []
  const { colname, constraints = [] } = def.ColumnDef
  const kinds = constraints.map((one) => ('Constraint' in one ? one.Constraint.contype : undefined))
  const isFilled = kinds.some((kind) => ['CONSTR_DEFAULT', 'CONSTR_GENERATED', 'CONSTR_IDENTITY'].includes(kind ?? ''))
  return kinds.includes('CONSTR_NOTNULL') && !isFilled
    ? [`adds ${nameOf([table, colname])}, not null and without a default`]
    : []
}

type Parameter = { readonly name: string; readonly type: string; readonly isOptional: boolean }

/** What the Worker may call: it names each argument, so that is what a call is known by. */
export type Callable = { readonly name: string; readonly parameters: readonly Parameter[] }

const callablesSql = `
  select p.proname as name, coalesce(jsonb_agg(jsonb_build_object('name', p.proargnames[a.n], 'type', format_type(a.type, null),
    'isOptional', a.n > p.pronargs - p.pronargdefaults) order by a.n) filter (where a.n is not null), '[]')::text as parameters
  from pg_proc p left join lateral unnest(p.proargtypes::oid[]) with ordinality a (type, n) on true
  where p.pronamespace = 'mcp'::regnamespace and has_function_privilege('mcp_worker', p.oid, 'execute')
  group by p.oid order by p.proname`

export async function readCallables(query: Query): Promise<Callable[]> {
  const rows = await query(callablesSql, [])
  return rows.map(({ name, parameters }) => ({ name: String(name), parameters: JSON.parse(String(parameters)) }))
}

/**
 * Says of each call of before what has become of it. A call gives all arguments or only those that are required, and has to
 * fit exactly one function: PostgREST answers nothing where two would do.
 */
export function lostCalls(before: readonly Callable[], after: readonly Callable[]): string[] {
  const calls = before.flatMap(({ name, parameters }) => [
    { name, given: parameters },
    { name, given: parameters.filter(({ isOptional }) => !isOptional) },
  ])
  const lost = calls.flatMap(({ name, given }) => {
    const fitting = after.filter((one) => one.name === name && fits(one, given))
    if (fitting.length === 1) return []
    const call = `${name}(${given.map((one) => one.name).join(', ')})`
    return [
      fitting.length === 0
        ? `${call} cannot be called any more`
        : `${call} could be either of ${fitting.length} functions`,
    ]
  })
  return [...new Set(lost)]
}

function fits({ parameters }: Callable, given: readonly Parameter[]): boolean {
  const areKnown = given.every(({ name, type }) => parameters.some((one) => one.name === name && one.type === type))
  return areKnown && parameters.every(({ name, isOptional }) => isOptional || given.some((one) => one.name === name))
}
