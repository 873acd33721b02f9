-- The caller's servers, newest first, at most 100 (J24).
-- outcomes: found {servers} · caller_unknown · scope_missing {scope}
create or replace function mcp.list_servers(p_caller jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  return jsonb_build_object('outcome', 'found', 'servers', (
    select coalesce(jsonb_agg(mcp_data.describe_server(s) order by s.created_at desc, s.server_id), '[]')
    from (select * from mcp_data.servers x
      where x.status <> 'deleted' and (x.owner_account_id = v_caller.account_id or x.server_id = v_caller.server_id)
      order by x.created_at desc limit 100) s));
end $$;
grant execute on function mcp.list_servers(jsonb) to mcp_worker;
