-- Removes all passkeys of an account and ends its sessions: for whoever a stranger's passkey keeps from removing it, and for whoever
-- cannot wait (THREATS J22). Internal.
-- outcomes: removed {account_id, passkeys, sessions} · no_passkeys · not_found
create or replace function mcp_data.operate_remove_passkeys(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
  v_passkeys integer;
  v_sessions integer;
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  delete from mcp_data.passkeys p where p.account_id = a.account_id;
  get diagnostics v_passkeys = row_count;
  if v_passkeys = 0 then
    return jsonb_build_object('outcome', 'no_passkeys');
  end if;
  delete from mcp_data.lost_passkeys l where l.account_id = a.account_id;
  update mcp_data.sessions s set ended_at = now() where s.account_id = a.account_id and s.ended_at is null and s.expires_at > now();
  get diagnostics v_sessions = row_count;
  perform mcp_data.add_event('passkey.removed', p_arguments->>'reason', a.account_id, null, null, null,
    jsonb_build_object('passkeys', v_passkeys, 'sessions', v_sessions), p_request);
  return jsonb_build_object('outcome', 'removed', 'account_id', a.account_id, 'passkeys', v_passkeys, 'sessions', v_sessions);
end $$;
