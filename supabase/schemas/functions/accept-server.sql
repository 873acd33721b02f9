-- Accepts a server that is offered (HTTP-API "Server management"; J2, J24): the account holds it from now on, its management tokens
-- end, and so do its API keys where that is asked. The row is locked first: of two that accept, one gets it.
-- outcomes: accepted {server, former?} · limited {reason, retry_after_seconds?} · not_found · caller_unknown · scope_missing {scope} ·
--   sign_in · not_fresh
create or replace function mcp.accept_server(p_server_id text, p_caller jsonb, p_revoke_keys boolean, p_limits jsonb,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_limited jsonb;
  v_before mcp_data.servers;
  s mcp_data.servers;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:write');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  select * into v_before from mcp_data.servers x where x.server_id = p_server_id for update;
  if v_before.server_id is null or not mcp_data.offered_to(v_before, v_owner.account_id, v_owner.email) then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  v_limited := mcp_data.check_server_limits(v_owner.account_id, p_limits, p_request);
  if v_limited is not null then
    return v_limited;
  end if;
  update mcp_data.servers x set owner_account_id = v_owner.account_id, offered_to_user_id = null, offered_to_email = null
  where x.server_id = p_server_id returning * into s;
  update mcp_data.management_tokens set revoked_at = now() where server_id = p_server_id and revoked_at is null;
  -- They would tell the former owner what happens here.
  delete from mcp_data.webhooks where server_id = p_server_id;
  if p_revoke_keys then
    update mcp_data.server_keys set revoked_at = now() where server_id = p_server_id and revoked_at is null;
  end if;
  perform mcp_data.add_event('server.accepted', null, v_owner.account_id, null, p_server_id, null,
    jsonb_build_object('keys_revoked', coalesce(p_revoke_keys, false)), p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'accepted', 'server', mcp_data.describe_server(s),
    'former', mcp_data.addressee(v_before.owner_account_id)));
end $$;
grant execute on function mcp.accept_server(text, jsonb, boolean, jsonb, jsonb) to mcp_worker;
