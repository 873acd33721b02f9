-- Whether the database answers, and with which schema (HTTP-API, GET /ready).
-- outcomes: ready {schema_version}
create or replace function mcp.read_readiness() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'ready', 'schema_version', e.schema_version) from mcp_data.settings e);
end $$;
grant execute on function mcp.read_readiness() to mcp_worker;
