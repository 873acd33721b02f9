-- Whether the database answers, with which schema, and whether it takes changes (HTTP-API, GET /ready). What the server is set to
-- counts, and not this transaction: PostgREST reads with a stable function in one that can only read.
-- outcomes: ready {schema_version, takes_changes}
create or replace function mcp.read_readiness() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'ready', 'schema_version', e.schema_version,
    'takes_changes', not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off') from mcp_data.settings e);
end $$;
grant execute on function mcp.read_readiness() to mcp_worker;
