-- Revokes a personal token of the caller's account, effective at its next use (J19); a token may revoke itself, and twice is fine.
-- outcomes: revoked · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.revoke_personal_token(p_token_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_revoked_at timestamptz;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'keys:write');
  -- A token that leaked is revoked by whoever finds it, whatever it may do besides.
  if v_owner.refusal->>'outcome' = 'scope_missing' and p_caller->>'kind' = 'personal' and p_caller->>'token_id' = p_token_id then
    v_owner.refusal := null;
  end if;
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  select t.revoked_at into v_revoked_at from mcp_data.personal_tokens t
  where t.token_id = p_token_id and t.account_id = v_owner.account_id for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if v_revoked_at is null then
    update mcp_data.personal_tokens set revoked_at = now() where token_id = p_token_id;
    perform mcp_data.add_event('personal_token.revoked', null, v_owner.account_id, null, null, null,
      jsonb_build_object('token_id', p_token_id), p_request);
  end if;
  return jsonb_build_object('outcome', 'revoked');
end $$;
grant execute on function mcp.revoke_personal_token(text, jsonb, jsonb) to mcp_worker;
