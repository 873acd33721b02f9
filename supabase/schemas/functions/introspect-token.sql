-- Introspection (RFC 7662 §2.2, SECURITY §21; H2, H7, H14, H15, H17). One read: key, its server, connection, account, client.
-- The Worker has checked the token's signature; a null connection is garbage, and still the key is judged.
-- outcomes: active {sub, client_id, scopes, aud, username?, email?, email_verified?, server_id, auth_time_seconds} ·
--   inactive {reason} · key_refused {reason}
create or replace function mcp.introspect_token(p_key_id text, p_key_digests bytea[], p_server_id text, p_connection_id text, p_audience text,
  p_epoch integer, p_expires_at_seconds bigint, p_scope text[], p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_key record;
  s record;
  c mcp_data.connections;
  v_reason text;
begin
  select k.server_id, k.last_used_at, v.server_url, case
      when not coalesce(k.key_digest = any(p_key_digests), false) then 'key_unknown'
      when k.revoked_at is not null then 'key_revoked'
      when k.expires_at <= now() then 'key_expired'
      when k.server_id <> p_server_id then 'server_mismatch'
      when v.status not in ('verified', 'pending') then 'server_unavailable' end as refusal
    into v_key
  from mcp_data.server_keys k join mcp_data.servers v on v.server_id = k.server_id where k.key_id = p_key_id;
  if not found or v_key.refusal is not null then
    return mcp_data.refuse_key(p_key_id, coalesce(v_key.refusal, 'key_unknown'), p_request);
  end if;
  if v_key.last_used_at is null or v_key.last_used_at < now() - interval '1 minute' then
    update mcp_data.server_keys set last_used_at = now() where key_id = p_key_id;
  end if;
  if p_connection_id is null then
    return jsonb_build_object('outcome', 'inactive', 'reason', 'token_malformed');
  end if;
  select * into s from mcp_data.connection_state(p_connection_id);
  c := s.connection;
  v_reason := case
    when c.connection_id is null then 'connection_unknown'
    when c.server_id is distinct from v_key.server_id or p_audience is distinct from v_key.server_url then 'audience_mismatch'
    when p_epoch is distinct from s.issuer_epoch then 'epoch_mismatch'
    when coalesce(p_expires_at_seconds <= extract(epoch from now()), true) then 'token_expired'
    -- Access tokens end with the connection, whose last possible day is the refresh token's.
    when c.refresh_expires_at <= now() then 'connection_expired'
    when c.code_redeemed_at is null then 'connection_unknown'
    else s.refusal end;
  if v_reason is not null then
    return jsonb_build_object('outcome', 'inactive', 'reason', v_reason);
  end if;
  if c.last_used_at is null or c.last_used_at < now() - interval '5 minutes' then
    update mcp_data.connections set last_used_at = now() where connection_id = p_connection_id;
  end if;
  return jsonb_build_object('outcome', 'active', 'sub', c.account_id, 'client_id', c.client_id, 'aud', c.resource,
    'server_id', c.server_id, 'auth_time_seconds', floor(extract(epoch from c.auth_time))::bigint,
    'scopes', to_jsonb(mcp_data.effective_scopes(c.scopes, c.resource_kind, s.registered_scopes, coalesce(p_scope, '{}'))))
    || case when s.email_is_shared then jsonb_build_object('username', s.email, 'email', s.email, 'email_verified', true) else '{}' end;
end $$;
grant execute on function mcp.introspect_token(text, bytea[], text, text, text, integer, bigint, text[], jsonb) to mcp_worker;
