-- A database that takes no changes for a while goes on judging tokens, and says so (HTTP-API, GET /ready).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Introspection (RFC 7662 §2.2, SECURITY §21; H2, H7, H14, H15, H17). Two reads: the key with its server, then the
-- connection with account and client. The Worker has checked the token's signature; a null connection is garbage, and still
-- the key is judged. This is the hottest function, so it does not ask connection_state but repeats its rule; the tests hold
-- both to the same switches. A database that takes no changes for a while (a full disk, a standby) goes on judging: only what is
-- counted is left out.
-- outcomes: active {sub, client_id, scopes, aud, username?, email?, email_verified?, server_id, auth_time_seconds} ·
--   inactive {reason} · key_refused {reason}
create or replace function mcp.introspect_token(p_key_id text, p_key_digests bytea[], p_server_id text, p_connection_id text,
  p_audience text, p_epoch integer, p_expires_at_seconds bigint, p_scope text[], p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  k record;
  r record;
  v_can_write boolean := current_setting('transaction_read_only') = 'off';
begin
  select x.server_id, x.last_used_at, v.server_url, v.scope_names, v.share_email, v.status, v.owner_account_id,
    v.client_policy, v.has_client_rules,
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
  if v_can_write and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute') then
    update mcp_data.server_keys set last_used_at = now() where key_id = p_key_id;
  end if;
  if p_connection_id is null then
    return jsonb_build_object('outcome', 'inactive', 'reason', 'token_malformed');
  end if;
  select c.connection_id, c.server_id, c.client_id_digest, c.refused_at, c.account_id, c.client_id, c.resource, c.scopes, c.resource_kind, c.last_used_at, c.auth_time, c.email_shared, a.email,
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
      -- Where every client may come, nothing is asked (A36).
      when (k.client_policy <> 'any' or k.has_client_rules) and not mcp_data.client_is_allowed(k.server_id, k.client_policy,
        k.has_client_rules, c.client_id, c.client_kind, c.redirect_uri) then 'client_not_allowed'
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
    -- Told to the owner of the server that asks, and at most once a minute a connection; expiry is no trouble.
    if v_can_write and r.server_id = k.server_id and r.reason <> 'token_expired' and (r.refused_at is null or r.refused_at < now() - interval '1 minute') then
      update mcp_data.connections set refused_at = now(), refused_step = 'introspection', refused_reason = r.reason,
        refused_request_id = left(p_request->>'request_id', 100) where connection_id = p_connection_id;
    end if;
    return jsonb_build_object('outcome', 'inactive', 'reason', r.reason);
  end if;
  if v_can_write and (r.last_used_at is null or r.last_used_at < now() - interval '1 minute') then
    update mcp_data.connections set last_used_at = now() where connection_id = p_connection_id;
    perform mcp_data.count_usage_of(r.server_id, r.client_id_digest, r.connection_id, 0,
      case when mcp_data.is_first_use_of_day(r.last_used_at) then 1 else 0 end, 0, 1);
  end if;
  return jsonb_build_object('outcome', 'active', 'sub', r.account_id, 'client_id', r.client_id, 'aud', r.resource,
    'server_id', k.server_id, 'auth_time_seconds', floor(extract(epoch from r.auth_time))::bigint,
    'scopes', to_jsonb(mcp_data.effective_scopes(r.scopes, r.resource_kind, k.scope_names, coalesce(p_scope, '{}'))))
    || case when k.share_email and r.email_shared then jsonb_build_object('username', r.email, 'email', r.email, 'email_verified', true) else '{}' end;
end $$;
grant execute on function mcp.introspect_token(text, bytea[], text, text, text, integer, bigint, text[], jsonb) to mcp_worker;

-- Answers a refused API key (H7). An event only where the secret was right, and at most once an hour and key, so that a
-- forgotten deployment writes no flood. Internal.
create or replace function mcp_data.refuse_key(p_key_id text, p_reason text, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_server_id text;
begin
  if p_reason <> 'key_unknown' and current_setting('transaction_read_only') = 'off' then
    update mcp_data.server_keys set last_refused_at = now()
    where key_id = p_key_id and (last_refused_at is null or last_refused_at < now() - interval '1 hour')
    returning server_id into v_server_id;
    if found then
      perform mcp_data.add_event('key.refused', p_reason, null, null, v_server_id, null, jsonb_build_object('key_id', p_key_id), p_request);
    end if;
  end if;
  return jsonb_build_object('outcome', 'key_refused', 'reason', p_reason);
end $$;

-- Whether the database answers, with which schema, and whether it takes changes (HTTP-API, GET /ready). What the server is set to
-- counts, and not this transaction: PostgREST reads with a stable function in one that can only read.
-- outcomes: ready {schema_version, takes_changes}
create or replace function mcp.read_readiness() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'ready', 'schema_version', e.schema_version,
    'takes_changes', not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off') from mcp_data.settings e);
end $$;
grant execute on function mcp.read_readiness() to mcp_worker;

update mcp_data.settings set schema_version = '20261127120000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
