-- What is wrong with roles, grants and tables (SECURITY §27), as sentences; empty where nothing is. Internal.
create or replace function mcp_data.database_findings() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(f.finding order by f.finding), '[]') from (
    select format('role %s does not exist', x.name) as finding from unnest(array['mcp_owner', 'mcp_worker', 'mcp_operator']) x (name)
    where not exists (select from pg_roles r where r.rolname = x.name)
    union all select format('role %s may log in, or bypasses row level security', r.rolname) from pg_roles r
    where r.rolname in ('mcp_owner', 'mcp_worker', 'mcp_operator') and (r.rolcanlogin or r.rolsuper or r.rolbypassrls)
    union all select 'role mcp_worker has no statement_timeout' from pg_roles r
    where r.rolname = 'mcp_worker' and not coalesce(array_to_string(r.rolconfig, ','), '') like '%statement_timeout=%'
    union all select format('role authenticator cannot act as %s', x.name) from unnest(array['mcp_worker', 'mcp_operator']) x (name)
    join pg_roles r on r.rolname = 'authenticator' where not pg_has_role('authenticator', x.name, 'member')
    union all select format('role %s can act as mcp_operator', r.rolname) from pg_roles r
    where r.rolname in ('anon', 'authenticated', 'service_role', 'mcp_worker') and pg_has_role(r.oid, 'mcp_operator', 'member')
    union all select format('role %s may use schema mcp_data', r.rolname) from pg_roles r
    where r.rolname in ('anon', 'authenticated', 'service_role', 'mcp_worker', 'mcp_operator')
      and has_schema_privilege(r.oid, 'mcp_data', 'usage')
    union all select format('role %s may execute %s', r.rolname, p.oid::regprocedure) from pg_roles r cross join pg_proc p
    where r.rolname in ('anon', 'authenticated') and p.pronamespace in ('mcp'::regnamespace, 'mcp_data'::regnamespace)
      and has_function_privilege(r.oid, p.oid, 'execute')
    union all select format('table %s has no forced row level security', c.oid::regclass) from pg_class c
    where c.relnamespace = 'mcp_data'::regnamespace and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
      and not c.relispartition
    union all select 'no partition for the audit events of next month: the scheduled clean-up does not run'
    where to_regclass(format('mcp_data.audit_events_%s', to_char(now() + interval '1 month', 'YYYY_MM'))) is null
  ) f);
end $$;
