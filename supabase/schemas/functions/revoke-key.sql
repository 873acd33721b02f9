-- Revokes an API key, effective on the next introspection (H7). Key, server and owner are matched together (J4); revoking
-- twice is fine.
-- outcomes: revoked {notice?} · not_found · caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.revoke_key(p_server_id text, p_key_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_revoked_at timestamptz;
  s mcp_data.servers;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'keys:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  select k.revoked_at into v_revoked_at from mcp_data.server_keys k
  where k.key_id = p_key_id and k.server_id = s.server_id for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if v_revoked_at is null then
    update mcp_data.server_keys set revoked_at = now() where key_id = p_key_id;
    perform mcp_data.add_event('key.revoked', null, v_caller.account_id, null, p_server_id, null, jsonb_build_object('key_id', p_key_id), p_request);
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'revoked',
    'notice', case when v_revoked_at is null then mcp_data.addressee(s.owner_account_id) end));
end $$;
grant execute on function mcp.revoke_key(text, text, jsonb, jsonb) to mcp_worker;
