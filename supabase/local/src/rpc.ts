import type { Caller } from './api-key.ts'
import type { Query } from './backend.ts'
import { type Catalog, type DatabaseFunction, readCatalog } from './catalog.ts'
import { Problem } from './problem.ts'

/** The one schema that the surface shows; it holds functions only. */
export const exposedSchema = 'mcp'

export type Rpc = (caller: Caller, name: string, body: string) => Promise<string | undefined>

/**
 * Makes the function that calls SQL functions the way PostgREST does: one transaction, the caller's role, named
 * arguments out of one JSON object. It gives the result as JSON, or undefined for a void function.
 */
export async function makeRpc(query: Query): Promise<Rpc> {
  let catalog = await readCatalog(query, exposedSchema)
  return async (caller, name, body) => {
    const names = argumentNamesOf(body)
    let found = chooseFunction(catalog, name, names)
    if (found === undefined) {
      // Somebody may have made it since; PostgREST would have been told by `notify pgrst`.
      catalog = await readCatalog(query, exposedSchema)
      found = chooseFunction(catalog, name, names)
    }
    if (found === undefined) throw unknownFunction(name, names)
    const rows = await query(`${settingsFor(catalog, caller)}; ${callTo(found, names, body)}`)
    return found.returnType === 'void' ? undefined : String(rows[0]?.body ?? 'null')
  }
}

function argumentNamesOf(body: string): string[] {
  const value = parse(body)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem(400, 'PGRST102', 'The body must be one JSON object with the arguments by name')
  }
  return Object.keys(value)
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new Problem(400, 'PGRST102', 'Empty or invalid json')
  }
}

function chooseFunction(catalog: Catalog, name: string, given: string[]): DatabaseFunction | undefined {
  const candidates = (catalog.functions.get(name) ?? []).filter((candidate) => accepts(candidate, given))
  if (candidates.length > 1) {
    const choices = candidates.map((candidate) => `${exposedSchema}.${candidate.name}`).join(', ')
    throw new Problem(300, 'PGRST203', `Could not choose the best candidate function between: ${choices}`)
  }
  return candidates[0]
}

function accepts(candidate: DatabaseFunction, given: string[]): boolean {
  const names = new Set(candidate.arguments.map((argument) => argument.name))
  return (
    given.every((name) => names.has(name)) &&
    candidate.arguments.every((argument) => argument.hasDefault || given.includes(argument.name))
  )
}

function unknownFunction(name: string, names: string[]): Problem {
  const call = names.length === 0 ? `${exposedSchema}.${name} without parameters` : callOf(name, names)
  return new Problem(404, 'PGRST202', `Could not find the function ${call} in the schema cache`, {
    details: `Searched for the function ${call}, but no matches were found in the schema cache.`,
  })
}

function callOf(name: string, names: string[]): string {
  return `${exposedSchema}.${name}(${names.toSorted().join(', ')})`
}

// As PostgREST does it: the body stays text, and the database reads each argument as its type wants it.
function callTo(found: DatabaseFunction, given: string[], body: string): string {
  const used = found.arguments.filter((argument) => given.includes(argument.name))
  const columns = used.map((argument) => `${identifier(argument.name)} ${argument.type}`).join(', ')
  const passed = used.map(({ name }) => `${identifier(name)} := b.${identifier(name)}`).join(', ')
  const call = `${exposedSchema}.${identifier(found.name)}(${passed})`
  return selectFor(found, call, used.length === 0 ? '' : `json_to_record(${literal(body)}::json) as b(${columns})`)
}

function selectFor(found: DatabaseFunction, call: string, source: string): string {
  const isPlain = !found.returnsSet && ['void', 'json', 'jsonb'].includes(found.returnType)
  if (isPlain) return `select ${call}::text as body${source === '' ? '' : ` from ${source}`}`
  const value = found.returnsSet ? `coalesce(json_agg(r), '[]')` : 'to_json(r)'
  return `select ${value}::text as body from ${source === '' ? '' : `${source}, lateral `}${call} as r`
}

/**
 * The statement that makes the caller's role count. Only the login role `authenticator` may take on other roles, so
 * a role that was never granted to it is refused here as on a real project.
 */
function settingsFor(catalog: Catalog, caller: Caller): string {
  const settings = new Map([
    ...(catalog.roleSettings.get('authenticator') ?? []),
    ...(catalog.roleSettings.get(caller.role) ?? []),
    ['search_path', `"${exposedSchema}", "public", "extensions"`],
    ['request.jwt.claims', caller.claims],
  ])
  const identity: [string, string][] = [
    ['session_authorization', 'authenticator'],
    ['role', caller.role],
  ]
  const calls = [...identity, ...settings].map(
    ([name, value]) => `set_config(${literal(name)}, ${literal(value)}, true)`,
  )
  return `select ${calls.join(', ')}`
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

// The `E` form with doubled backslashes holds whatever standard_conforming_strings says.
function literal(value: string): string {
  return `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
