-- Every function of ours by its name and arguments, with a fingerprint of all that makes it what it is: text, owner's rights, settings,
-- and who may execute it beside its owner. Internal. What differs from the release was changed by hand.
create or replace function mcp_data.describe_functions() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_object_agg(n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    left(encode(sha256(convert_to(concat_ws(chr(10), p.prosrc, p.prosecdef, p.provolatile, array_to_string(p.proconfig, ','),
      (select string_agg(coalesce(r.rolname, 'PUBLIC'), ',' order by r.rolname)
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a left join pg_roles r on r.oid = a.grantee
        where a.grantee <> p.proowner)), 'UTF8')), 'hex'), 16))
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('mcp', 'mcp_data'));
end $$;
