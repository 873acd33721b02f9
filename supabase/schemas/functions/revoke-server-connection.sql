-- Cuts one connection off, by the owner of its server; effective at the next introspection. Connection, server and owner are matched
-- together (J4); twice is fine.
-- outcomes: revoked · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.revoke_server_connection(p_server_id text, p_connection_id text, p_caller jsonb, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  c mcp_data.connections;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  select * into c from mcp_data.connections x where x.connection_id = p_connection_id
    and x.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.revoke_connection(c, 'owner', p_request);
  return jsonb_build_object('outcome', 'revoked');
end $$;
grant execute on function mcp.revoke_server_connection(text, text, jsonb, jsonb) to mcp_worker;
