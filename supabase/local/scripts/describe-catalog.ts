import type { Query } from '../src/backend.ts'

/** Everything in our two schemas that matters, one line each: equal sets mean equal databases. */
export async function describeCatalog(query: Query): Promise<Set<string>> {
  const rows = await query(catalogSql, [])
  return new Set(rows.map((row) => String(row.line)))
}

// Function bodies are compared by their text, and the audit months by nothing: they follow the calendar.
const catalogSql = `
  with ours as (select oid, nspname, nspowner, nspacl from pg_namespace where nspname in ('mcp', 'mcp_data')),
  tables as (
    select c.* from pg_class c join ours n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.relname !~ '^audit_events_[0-9]')
  select format('schema %s owner %s privileges %s', nspname, nspowner::regrole, array(select a::text from unnest(nspacl) a order by 1)) as line
    from ours
  union all
  select format('table %s kind %s owner %s security %s %s options %s privileges %s', c.oid::regclass, c.relkind, c.relowner::regrole,
    c.relrowsecurity, c.relforcerowsecurity, c.reloptions, array(select a::text from unnest(c.relacl) a order by 1)) from tables c
  union all
  select format('column %s %s: %s %s not null %s default %s generated %s', c.oid::regclass, a.attnum, a.attname,
    format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated)
    from tables c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  union all
  select format('constraint %s %s: %s', c.oid::regclass, k.conname, pg_get_constraintdef(k.oid))
    from tables c join pg_constraint k on k.conrelid = c.oid
  union all
  select format('index %s', pg_get_indexdef(i.indexrelid)) from tables c join pg_index i on i.indrelid = c.oid
  union all
  select format('policy %s %s: %s %s %s %s', c.oid::regclass, p.polname, p.polcmd, p.polroles::regrole[],
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    from tables c join pg_policy p on p.polrelid = c.oid
  union all
  select format('trigger %s', pg_get_triggerdef(g.oid))
    from tables c join pg_trigger g on g.tgrelid = c.oid and not g.tgisinternal
  union all
  select format('function %s owner %s privileges %s text %s', p.oid::regprocedure, p.proowner::regrole,
    array(select a::text from unnest(p.proacl) a order by 1), md5(pg_get_functiondef(p.oid)))
    from pg_proc p join ours n on n.oid = p.pronamespace
  union all
  select format('default privileges %s %s: %s', d.defaclrole::regrole, d.defaclobjtype, d.defaclacl) from pg_default_acl d
  union all
  select format('role %s: %s', rolname, rolconfig) from pg_roles where rolname in ('mcp_owner', 'mcp_worker')
  union all
  select format('client %s: %s %s %s', client_id, client_name, redirect_uris, grant_types) from mcp_data.clients
  union all
  select format('settings %s', s) from mcp_data.settings s`
