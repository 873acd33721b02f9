-- The person behind an access token (OpenID Connect Core §5.3). The Worker has checked signature and expiry, and gives out by scope.
-- outcomes: found {sub, scopes, email, email_verified, name?} · inactive {reason}
create or replace function mcp.read_userinfo(p_connection_id text, p_epoch integer, p_scope text[]) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
  v_reason text;
begin
  select * into s from mcp_data.connection_state(p_connection_id);
  c := s.connection;
  v_reason := case
    when c.connection_id is null or c.code_redeemed_at is null then 'connection_unknown'
    when p_epoch is distinct from s.issuer_epoch then 'epoch_mismatch'
    when c.refresh_expires_at <= now() then 'connection_expired'
    else s.refusal end;
  if v_reason is not null then
    return jsonb_build_object('outcome', 'inactive', 'reason', v_reason);
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'sub', c.account_id, 'email', s.email, 'email_verified', true,
    'name', s.name, 'scopes', to_jsonb(mcp_data.effective_scopes(c.scopes, c.resource_kind, s.registered_scopes, coalesce(p_scope, '{}')))));
end $$;
grant execute on function mcp.read_userinfo(text, integer, text[]) to mcp_worker;
