-- Introspection keeps its plan (decision 14): until the small tables have been counted, which may never happen, PostgreSQL took a new
-- one for cheaper and planned at each call, for three times the time of the call itself.
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

alter function mcp.introspect_token(text, bytea[], text, text, text, integer, bigint, text[], jsonb) set plan_cache_mode = 'force_generic_plan';

update mcp_data.settings set schema_version = '20261127150000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
