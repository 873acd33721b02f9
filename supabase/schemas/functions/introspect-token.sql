-- Introspection (RFC 7662 §2.2, SECURITY §21; H2, H7, H14, H15, H17). Two reads: the key with its server, then the
-- connection with account and client. The Worker has checked the token's signature; a null connection is garbage, and still
-- the key is judged. This is the hottest function, so it does not ask connection_state but repeats its rule; the tests hold
-- both to the same switches.
-- outcomes: active {sub, client_id, scopes, aud, username?, email?, email_verified?, server_id, auth_time_seconds} ·
--   inactive {reason} · key_refused {reason}
create or replace function mcp.introspect_token(p_key_id text, p_key_digests bytea[], p_server_id text, p_connection_id text,
  p_audience text, p_epoch integer, p_expires_at_seconds bigint, p_scope text[], p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  k record;
  r record;
begin
  select x.server_id, x.last_used_at, v.server_url, v.scope_names, v.share_email, v.status, v.owner_account_id,
    case
      when not coalesce(x.key_digest = any(p_key_digests), false) then 'key_unknown'
      when x.revoked_at is not null then 'key_revoked'
      when x.expires_at <= now() then 'key_expired'
      when x.server_id <> p_server_id then 'server_mismatch'
      when v.status not in ('verified', 'pending') then 'server_unavailable' end as refusal
  into k from mcp_data.server_keys x join mcp_data.servers v on v.server_id = x.server_id where x.key_id = p_key_id;
  if not found or k.refusal is not null then
    return mcp_data.refuse_key(p_key_id, coalesce(k.refusal, 'key_unknown'), p_request);
  end if;
  if k.last_used_at is null or k.last_used_at < now() - interval '1 minute' then
    update mcp_data.server_keys set last_used_at = now() where key_id = p_key_id;
  end if;
  if p_connection_id is null then
    return jsonb_build_object('outcome', 'inactive', 'reason', 'token_malformed');
  end if;
  select c.account_id, c.client_id, c.resource, c.scopes, c.resource_kind, c.last_used_at, c.auth_time, c.email_shared, a.email,
    case
      when c.code_redeemed_at is null then 'connection_unknown'
      when c.server_id is distinct from k.server_id or p_audience is distinct from k.server_url then 'audience_mismatch'
      when p_epoch is distinct from e.issuer_epoch then 'epoch_mismatch'
      when coalesce(p_expires_at_seconds <= extract(epoch from now()), true) then 'token_expired'
      -- Access tokens end with the connection, whose last possible day is the refresh token's.
      when c.refresh_expires_at <= now() then 'connection_expired'
      when c.revoked_at is not null or c.issuer_epoch <> e.issuer_epoch then 'connection_revoked'
      when c.suspended_at is not null then 'client_changed'
      when a.disabled_at is not null then 'account_disabled'
      when b.client_id_digest is not null
        or (c.client_kind = 'pre_registered' and (p.client_id is null or p.blocked_at is not null)) then 'client_blocked'
      when k.status = 'pending' and k.owner_account_id is distinct from c.account_id then 'server_unavailable' end as reason
  into r
  from mcp_data.connections c
  join mcp_data.accounts a on a.account_id = c.account_id
  cross join mcp_data.settings e
  left join mcp_data.clients p on p.client_id = c.client_id and c.client_kind = 'pre_registered'
  left join mcp_data.blocked_clients b on b.client_id_digest = c.client_id_digest
  where c.connection_id = p_connection_id;
  if not found then
    return jsonb_build_object('outcome', 'inactive', 'reason', 'connection_unknown');
  end if;
  if r.reason is not null then
    return jsonb_build_object('outcome', 'inactive', 'reason', r.reason);
  end if;
  if r.last_used_at is null or r.last_used_at < now() - interval '5 minutes' then
    update mcp_data.connections set last_used_at = now() where connection_id = p_connection_id;
  end if;
  return jsonb_build_object('outcome', 'active', 'sub', r.account_id, 'client_id', r.client_id, 'aud', r.resource,
    'server_id', k.server_id, 'auth_time_seconds', floor(extract(epoch from r.auth_time))::bigint,
    'scopes', to_jsonb(mcp_data.effective_scopes(r.scopes, r.resource_kind, k.scope_names, coalesce(p_scope, '{}'))))
    || case when k.share_email and r.email_shared then jsonb_build_object('username', r.email, 'email', r.email, 'email_verified', true) else '{}' end;
end $$;
grant execute on function mcp.introspect_token(text, bytea[], text, text, text, integer, bigint, text[], jsonb) to mcp_worker;
