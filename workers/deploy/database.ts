import type { Backend, Query } from 'auth-agent-mcp-local/src/backend.ts'
import { applyMigrations, MigrationConflict, pendingMigrations } from 'auth-agent-mcp-local/src/migrations.ts'
import { openPool } from 'auth-agent-mcp-local/src/pool.ts'
import { type Check, type Problem, problem } from '../operations/findings.ts'
import { Sentence } from '../operations/report.ts'
import type { Variables } from './plan.ts'

const login =
  'Put the connection string of the role postgres into DATABASE_URL: Connect, Session pooler in Supabase, with ?sslmode=require.'

export async function withDatabase<Result>(
  variables: Variables,
  work: (query: Query) => Promise<Result>,
): Promise<Result> {
  if (!variables.DATABASE_URL) throw new Sentence('DATABASE_URL is missing')
  const backend: Backend = openPool(variables.DATABASE_URL, 1)
  try {
    return await work(backend.query)
  } catch (error) {
    throw error instanceof MigrationConflict ? new Sentence(error.message) : error
  } finally {
    await backend.close()
  }
}

const rightsSql = `
  select r.rolsuper or r.rolcreaterole as makes_roles, has_database_privilege(current_database(), 'create') as makes_schemas,
    (select s.ssl from pg_stat_ssl s where s.pid = pg_backend_pid()) as is_encrypted,
    inet_server_addr() is null or inet_client_addr() <<= '127.0.0.0/8' or inet_client_addr() = '::1' as is_near,
    current_setting('server_version_num')::integer as version,
    to_regclass('mcp_data.settings') is not null as is_there, exists (select from pg_roles o where o.rolname = 'mcp_owner'
      and not pg_has_role(o.oid, 'member')) as is_strange
  from pg_roles r where r.rolname = current_user`

async function rightsProblems(query: Query): Promise<readonly Problem[]> {
  const [row] = await query(rightsSql, [])
  const problems: Problem[] = []
  if (row?.makes_roles !== true) problems.push(problem.bad('this login may not make roles', login))
  if (row?.makes_schemas !== true) problems.push(problem.bad('this login may not make schemas', login))
  if (row?.is_there === true && row.is_strange === true) {
    problems.push(
      problem.bad('this login does not own what another one has migrated: it is no member of mcp_owner', login),
    )
  }
  if (row?.is_encrypted !== true && row?.is_near !== true) {
    problems.push(problem.bad('the connection is not encrypted', 'Add ?sslmode=require to DATABASE_URL.'))
  }
  if (Number(row?.version) < 150_000) problems.push(problem.bad('PostgreSQL is older than 15'))
  return problems
}

const strangersSql = `
  select count(*)::integer as count from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'public' and c.relkind in ('r', 'p', 'f') and not exists (
    select from pg_depend d where d.objid = c.oid and d.deptype = 'e')`

/** Whoever breaks into another product of the same project is in the same database (N14). */
async function strangerProblems(query: Query): Promise<readonly Problem[]> {
  const [row] = await query(strangersSql, [])
  const count = Number(row?.count)
  return count === 0 ? [] : [problem.warning(`${count} tables of others are in schema public`)]
}

/** The migrations that are missing, said before they are applied; a conflict is bad. */
export function migrationChecks(variables: Variables): readonly Check[] {
  return [
    { name: 'database login', mend: login, run: () => withDatabase(variables, rightsProblems) },
    {
      name: 'database of its own',
      mend: 'It works, and nothing of theirs is touched; a project for this alone is safer.',
      run: () => withDatabase(variables, strangerProblems),
    },
    {
      name: 'migrations',
      mend: 'They are applied by this command when it is no dry run; only forward, each as a whole or not at all.',
      run: () =>
        withDatabase(variables, async (query) => {
          const pending = await pendingMigrations(query)
          return pending.length === 0 ? [] : [problem.warning(`to be applied: ${pending.join(', ')}`)]
        }),
    },
  ]
}

/** Applies what is missing, and tells PostgREST, which keeps what it knows of the functions. */
export function migrate(variables: Variables): Promise<readonly string[]> {
  return withDatabase(variables, async (query) => {
    const applied = await applyMigrations(query)
    await query("notify pgrst, 'reload schema'")
    return applied
  })
}
