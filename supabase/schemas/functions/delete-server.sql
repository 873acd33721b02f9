-- Deletes a server (J25): its keys, management tokens and connections die at once, its row stays as a tombstone for 90 days.
-- outcomes: deleted {notice?} · not_found · caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.delete_server(p_server_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  s mcp_data.servers;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if not mcp_data.end_server(s.server_id, v_caller.account_id, p_request) then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'deleted', 'notice', mcp_data.addressee(s.owner_account_id)));
end $$;
grant execute on function mcp.delete_server(text, jsonb, jsonb) to mcp_worker;
