import { expect, test } from 'vitest'
import { openPool } from '../local/src/pool.ts'
import { testDatabase } from './support/database.ts'
import { editorPrefix } from './support/supabase-project.ts'

const database = await testDatabase()
const column = async (sql: string) => (await database.query(sql, [])).map((row) => String(Object.values(row)[0]))
const ours = "('mcp'::regnamespace, 'mcp_data'::regnamespace)"

async function actAs(role: string) {
  const url = new URL(database.url)
  url.searchParams.set('options', `-c role=${role}`)
  return openPool(url.href, 1)
}

test('N1 no role but mcp_owner may use schema mcp_data or anything in it', async () => {
  const roles = ['anon', 'authenticated', 'service_role', 'authenticator', 'mcp_worker', 'mcp_operator']
  for (const role of roles) {
    expect(await column(`select has_schema_privilege('${role}', 'mcp_data', 'usage, create')`)).toEqual(['false'])
    const readable = `select c.relname from pg_class c where c.relnamespace = 'mcp_data'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')
      and has_table_privilege('${role}', c.oid, 'select, insert, update, delete, truncate, references, trigger')`
    expect(await column(readable)).toEqual([])
  }
})

test('N1 selecting from every table is refused to everybody, the service role included', async () => {
  const tables = await column(
    "select relname from pg_class where relnamespace = 'mcp_data'::regnamespace and relkind in ('r', 'p')",
  )
  expect(tables.length).toBeGreaterThan(12)
  for (const role of ['anon', 'authenticated', 'service_role', 'mcp_worker', 'mcp_operator']) {
    const pool = await actAs(role)
    try {
      for (const table of tables) {
        await expect(pool.query(`select from mcp_data.${table}`)).rejects.toThrow(
          'permission denied for schema mcp_data',
        )
      }
    } finally {
      await pool.close()
    }
  }
})

test('N2 functions of schema mcp are executable by mcp_owner and either mcp_worker or mcp_operator, never by PUBLIC', async () => {
  const grants = await column(`
    select distinct coalesce(r.rolname, 'PUBLIC') from pg_proc p, aclexplode(p.proacl) a left join pg_roles r on r.oid = a.grantee
    where p.pronamespace = 'mcp'::regnamespace order by 1`)
  expect(grants).toEqual(['mcp_operator', 'mcp_owner', 'mcp_worker'])
  const nobody = await column("select proname from pg_proc where pronamespace = 'mcp'::regnamespace and proacl is null")
  expect(nobody).toEqual([])
  const operators = await column(`select proname from pg_proc where pronamespace = 'mcp'::regnamespace
    and has_function_privilege('mcp_operator', oid, 'execute') order by 1`)
  expect(operators).toEqual(['export_events', 'operate'])
  const notForTheWorker = await column(`select proname from pg_proc where pronamespace = 'mcp'::regnamespace
    and not has_function_privilege('mcp_worker', oid, 'execute') order by 1`)
  expect(notForTheWorker).toEqual(operators)
})

test('N2 nobody whose key the Worker may hold can operate: not mcp_worker, not the service role', async () => {
  for (const role of ['mcp_worker', 'service_role', 'anon', 'authenticated']) {
    const pool = await actAs(role)
    try {
      await expect(pool.query("select mcp.operate('read_state', '{}', 'do')")).rejects.toThrow('permission denied')
      expect(await column(`select pg_has_role('${role}', 'mcp_operator', 'member')`)).toEqual(['false'])
    } finally {
      await pool.close()
    }
  }
})

test('N2 internal functions are executable by mcp_owner alone', async () => {
  const grants = await column(`
    select distinct coalesce(r.rolname, 'PUBLIC') from pg_proc p,
      aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a left join pg_roles r on r.oid = a.grantee
    where p.pronamespace = 'mcp_data'::regnamespace and p.proname <> 'find_auth_user'`)
  expect(grants).toEqual(['mcp_owner'])
})

test('C17 N2 anon and authenticated can call nothing, service_role can call what the Worker calls', async () => {
  for (const role of ['anon', 'authenticated']) {
    const pool = await actAs(role)
    try {
      await expect(pool.query('select mcp.read_readiness()')).rejects.toThrow('permission denied')
      const callable = await column(
        `select proname from pg_proc where pronamespace in ${ours} and has_function_privilege('${role}', oid, 'execute')`,
      )
      expect(callable).toEqual([])
    } finally {
      await pool.close()
    }
  }
  const pool = await actAs('service_role')
  expect(await pool.query('select mcp.read_readiness()')).toHaveLength(1)
  await pool.close()
})

test('N3 every function has an empty search_path; those of mcp are security definer, the internal ones are not', async () => {
  expect(
    await column(
      `select proname from pg_proc where pronamespace in ${ours} and not coalesce(proconfig, '{}') @> '{"search_path=\\"\\""}'`,
    ),
  ).toEqual([])
  expect(
    await column("select proname from pg_proc where pronamespace = 'mcp'::regnamespace and not prosecdef"),
  ).toEqual([])
  expect(
    await column("select proname from pg_proc where pronamespace = 'mcp_data'::regnamespace and prosecdef"),
  ).toEqual(['find_auth_user'])
})

test('N4 mcp_worker and mcp_operator can neither log in nor bypass, makes nothing, and cannot touch auth or audit', async () => {
  const flags = await database.query(
    "select rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname in ('mcp_owner', 'mcp_worker', 'mcp_operator') order by 1",
  )
  const powerless = {
    rolcanlogin: false,
    rolsuper: false,
    rolbypassrls: false,
    rolcreaterole: false,
    rolcreatedb: false,
  }
  expect(flags).toEqual([
    { rolname: 'mcp_operator', ...powerless },
    { rolname: 'mcp_owner', ...powerless },
    { rolname: 'mcp_worker', ...powerless },
  ])
  const pool = await actAs('mcp_worker')
  try {
    await expect(pool.query('create table mcp.x ()')).rejects.toThrow('permission denied')
    await expect(pool.query('create schema x')).rejects.toThrow('permission denied')
    await expect(pool.query('delete from mcp_data.audit_events')).rejects.toThrow('permission denied')
  } finally {
    await pool.close()
  }
})

test('N4 no role but the migrating one is a member of mcp_owner', async () => {
  const members = await column("select m.member::regrole from pg_auth_members m where m.roleid = 'mcp_owner'::regrole")
  const [migrating] = await column('select current_user')
  // Roles belong to the cluster: another file of this run may have somebody migrate a project of theirs.
  expect(members.filter((member) => member !== migrating && !member.startsWith(editorPrefix))).toEqual([])
})

test('audit events are insert-only for our own functions too (SECURITY §27)', async () => {
  const pool = await actAs('mcp_owner')
  try {
    await pool.query("insert into mcp_data.audit_events (event) values ('code.sent')")
    for (const change of [
      "update mcp_data.audit_events set event = 'code.failed'",
      'delete from mcp_data.audit_events',
      'truncate mcp_data.audit_events',
    ]) {
      await expect(pool.query(change)).rejects.toThrow('permission denied')
    }
  } finally {
    await pool.close()
  }
})

test('N6 schema mcp holds functions and nothing else; there is no view, materialized or foreign table', async () => {
  expect(await column("select relname from pg_class where relnamespace = 'mcp'::regnamespace")).toEqual([])
  expect(
    await column(`select relname from pg_class where relnamespace in ${ours} and relkind in ('v', 'm', 'f')`),
  ).toEqual([])
})

test('N7 the schema needs no extension', async () => {
  expect(await column('select extname from pg_extension')).toEqual(['plpgsql'])
})

test('N10 mcp_owner owns both schemas, every table and every function but the one that reads auth.users', async () => {
  const owner = "'mcp_owner'::regrole"
  expect(await column(`select nspname from pg_namespace where oid in ${ours} and nspowner <> ${owner}`)).toEqual([])
  expect(await column(`select relname from pg_class where relnamespace in ${ours} and relowner <> ${owner}`)).toEqual(
    [],
  )
  expect(await column(`select proname from pg_proc where pronamespace in ${ours} and proowner <> ${owner}`)).toEqual([
    'find_auth_user',
  ])
})

test('N1 row level security is on and forced on every table, with one policy each, for mcp_owner', async () => {
  expect(
    await column(
      `select relname from pg_class where relnamespace in ${ours} and relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)`,
    ),
  ).toEqual([])
  const policies = await database.query(`
    select c.relname, count(p.polname) as policies, bool_and(p.polroles = array['mcp_owner'::regrole::oid]) as for_owner
    from pg_class c left join pg_policy p on p.polrelid = c.oid
    where c.relnamespace = 'mcp_data'::regnamespace and c.relkind in ('r', 'p') group by c.relname having count(p.polname) <> 1
      or not bool_and(p.polroles = array['mcp_owner'::regrole::oid])`)
  expect(policies).toEqual([])
})

test('N10 every digest is held to 32 bytes by a named constraint, and no constraint has a generated name', async () => {
  const unchecked = await column(`
    select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'mcp_data'::regnamespace and c.relkind = 'r' and a.attname like '%\\_digest' and not exists (
      select from pg_constraint k where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any(k.conkey)
        and k.conname like '%is_32_bytes')`)
  expect(unchecked).toEqual([])
  const unnamed = await column(`
    select conname from pg_constraint where connamespace = 'mcp_data'::regnamespace and contype = 'c' and conname ~ '_check[0-9]*$'`)
  expect(unnamed).toEqual([])
})

test('N10 audience, account, client and expiries of a connection cannot be null', async () => {
  const nullable = await column(`
    select attname from pg_attribute where attrelid = 'mcp_data.connections'::regclass and not attnotnull
      and attname in ('resource', 'account_id', 'client_id', 'scopes', 'refresh_expires_at', 'refresh_idle_expires_at', 'code_digest', 'code_expires_at', 'issuer_epoch')`)
  expect(nullable).toEqual([])
})

test('decision 14: no index holds a column that rotates', async () => {
  const indexed = await column(`
    select distinct a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid
    where i.indrelid in ('mcp_data.connections'::regclass, 'mcp_data.server_keys'::regclass) and (a.attnum = any(i.indkey)
        or position(a.attname in coalesce(pg_get_expr(i.indpred, i.indrelid), '')) > 0)
      and a.attname in ('generation', 'refresh_digest', 'previous_digest', 'older_digests', 'rotated_at', 'retries', 'successor_ciphertext',
        'refresh_idle_expires_at', 'refresh_window_at', 'refreshes_in_window', 'last_used_at', 'last_refused_at')`)
  expect(indexed).toEqual([])
})

test('N11 mcp_worker has a statement and a lock timeout (SECURITY §27)', async () => {
  const settings = await column("select unnest(rolconfig) from pg_roles where rolname = 'mcp_worker'")
  expect(settings.sort()).toEqual(['lock_timeout=1s', 'statement_timeout=3s'])
})

test('N16 the privileges of the whole database are these', async () => {
  const privileges = await column(`
    select 'schema ' || n.nspname || ': ' || string_agg(distinct coalesce(r.rolname, 'PUBLIC') || '=' || a.privilege_type, ' ' order by coalesce(r.rolname, 'PUBLIC') || '=' || a.privilege_type)
    from pg_namespace n, aclexplode(n.nspacl) a left join pg_roles r on r.oid = a.grantee where n.oid in ${ours} group by n.nspname
    union all
    select 'tables: ' || coalesce(string_agg(distinct coalesce(r.rolname, 'PUBLIC'), ' '), '')
    from pg_class c, aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee where c.relnamespace in ${ours}
    union all
    select 'defaults: ' || d.defaclobjtype::text || ' ' || coalesce(r.rolname, 'PUBLIC') || '=' || a.privilege_type
    from pg_default_acl d, aclexplode(d.defaclacl) a left join pg_roles r on r.oid = a.grantee where d.defaclrole = 'mcp_owner'::regrole
    order by 1`)
  expect(privileges).toEqual([
    'defaults: T mcp_owner=USAGE',
    'defaults: f mcp_owner=EXECUTE',
    'schema mcp: mcp_operator=USAGE mcp_owner=CREATE mcp_owner=USAGE mcp_worker=USAGE',
    'tables: mcp_owner',
  ])
})
