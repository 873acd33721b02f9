-- Disables an account (M12): its sessions end, its connections and tokens are dead for as long as it is disabled. Internal.
-- outcomes: disabled {account_id, sessions, connections} · already_disabled · not_found
create or replace function mcp_data.operate_disable_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
  v_sessions integer;
  v_connections integer;
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif a.disabled_at is not null then
    return jsonb_build_object('outcome', 'already_disabled');
  end if;
  update mcp_data.accounts x set disabled_at = now(), disabled_reason = p_arguments->>'reason' where x.account_id = a.account_id;
  update mcp_data.sessions s set ended_at = now() where s.account_id = a.account_id and s.ended_at is null and s.expires_at > now();
  get diagnostics v_sessions = row_count;
  select count(*) into v_connections from mcp_data.live_connections(a.account_id);
  perform mcp_data.add_event('account.disabled', p_arguments->>'reason', a.account_id, null, null, null,
    jsonb_build_object('sessions', v_sessions, 'connections', v_connections), p_request);
  return jsonb_build_object('outcome', 'disabled', 'account_id', a.account_id, 'sessions', v_sessions, 'connections', v_connections);
end $$;
