-- Declines a server that is offered (J2): the offer is gone, and nothing else changes.
-- outcomes: declined · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.decline_server(p_server_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:write');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  update mcp_data.servers x set offered_to_user_id = null, offered_to_email = null
  where x.server_id = p_server_id and mcp_data.offered_to(x, v_owner.account_id, v_owner.email);
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('server.declined', null, v_owner.account_id, null, p_server_id, null, null, p_request);
  return jsonb_build_object('outcome', 'declined');
end $$;
grant execute on function mcp.decline_server(text, jsonb, jsonb) to mcp_worker;
