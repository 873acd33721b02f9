-- Clients that bring a metadata document or register themselves, private_key_jwt, and the proof of a server's URL
-- (SECURITY §23, §24, §26).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

alter table mcp_data.connections
  -- RFC 7638 thumbprints of the client's keys when it was last seen, and since when a change of them holds the connection.
  add column client_keys text[] not null default '{}' constraint connections_client_keys_are_few check (cardinality(client_keys) <= 20),
  add column suspended_at timestamptz;

-- When its URL was last asked for the proof: at most once a minute (HTTP-API "Proof of server_url").
alter table mcp_data.servers add column verification_begun_at timestamptz;

-- Assertions that private_key_jwt clients have used (F14): SHA-256 of client and jti, until they have expired.
create table mcp_data.client_assertions (
  assertion_digest bytea not null constraint client_assertions_pkey primary key
    constraint client_assertions_digest_is_32_bytes check (octet_length(assertion_digest) = 32),
  expires_at timestamptz not null
);
create index client_assertions_by_expiry on mcp_data.client_assertions (expires_at);
alter table mcp_data.client_assertions enable row level security;
alter table mcp_data.client_assertions force row level security;
create policy owner_only on mcp_data.client_assertions to mcp_owner using (true) with check (true);

-- Each gets one more argument, so the old ones go.
drop function mcp.exchange_authorization_code(text, bytea[], text, text, text, text[], text[], bytea, text, jsonb);
drop function mcp.rotate_refresh_token(text, integer, bytea[], text, text[], text[], bytea, bytea, text, jsonb, jsonb);
drop function mcp.revoke_token(text, text, bytea[], integer, jsonb);

-- Uses up the assertion of a private_key_jwt client (RFC 7523 §3, rule 7; F14): false when its jti was used before, also at this
-- very moment by a parallel call, which waits at the primary key. Internal.
create or replace function mcp_data.take_assertion(p_client jsonb) returns boolean
language plpgsql set search_path = '' as $$
begin
  if p_client->'assertion' is null then
    return true;
  end if;
  insert into mcp_data.client_assertions (assertion_digest, expires_at)
  values ((p_client->'assertion'->>'jti_digest')::bytea,
    to_timestamp((p_client->'assertion'->>'expires_at_seconds')::double precision))
  on conflict (assertion_digest) do nothing;
  return found;
end $$;

-- Whether the client of a metadata document proves itself less well than when the person agreed (SECURITY §24, E17): a weaker
-- method, or none of the keys of then. Ids of other kinds say nothing new: a sealed one never changes. Internal.
create or replace function mcp_data.client_has_changed(p_connection mcp_data.connections, p_client jsonb) returns boolean
language plpgsql immutable set search_path = '' as $$
declare
  v_methods text[] := array['none', 'client_secret_post', 'client_secret_basic', 'private_key_jwt'];
begin
  if p_connection.client_kind is distinct from 'metadata_document' or p_client->>'method' is null then
    return false;
  end if;
  return array_position(v_methods, p_client->>'method')
      < array_position(v_methods, p_connection.client->>'token_endpoint_auth_method')
    or (cardinality(p_connection.client_keys) > 0 and jsonb_typeof(p_client->'key_thumbprints') = 'array'
      and not p_connection.client_keys && mcp_data.text_array(p_client->'key_thumbprints'));
end $$;

-- Stops a connection whose client has changed, until the person agrees again by a new one (SECURITY §24, E17). Internal.
create or replace function mcp_data.suspend_connection(p_connection mcp_data.connections, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.connections c set suspended_at = now()
  where c.connection_id = p_connection.connection_id and c.suspended_at is null and c.revoked_at is null;
  if found then
    perform mcp_data.add_event('client.metadata_changed', 'client_changed', p_connection.account_id, p_connection.client_id,
      p_connection.server_id, p_connection.connection_id, null, p_request);
  end if;
end $$;

-- Suspends a server: its keys and connections end at once (J10). Its management tokens stay, so that its owner can prove the URL
-- again. One event says it for all connections: their number is not bounded. Internal.
create or replace function mcp_data.suspend_server(p_server mcp_data.servers, p_reason text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.servers v set status = 'suspended', suspended_at = now(), suspended_reason = p_reason
  where v.server_id = p_server.server_id;
  update mcp_data.server_keys set revoked_at = now() where server_id = p_server.server_id and revoked_at is null;
  update mcp_data.connections set revoked_at = now(), revoked_reason = 'server_suspended', successor_ciphertext = null
  where server_id = p_server.server_id and revoked_at is null;
  perform mcp_data.add_event('server.suspended', p_reason, p_server.owner_account_id, null, p_server.server_id, null, null, p_request);
end $$;

-- Makes the connection of an approved transaction; it holds the authorization code (SECURITY §2, §3). Internal.
create or replace function mcp_data.approve(p_transaction mcp_data.transactions, p_scopes text[], p_account_id uuid, p_auth_time timestamptz,
  p_auth_method text, p_consented_at timestamptz, p_connection_id text, p_code_digest bytea, p_kid text, p_lifetimes jsonb)
returns jsonb
language plpgsql set search_path = '' as $$
declare
  t alias for p_transaction;
begin
  insert into mcp_data.connections (connection_id, account_id, client_id, client_id_digest, client, client_kind, can_refresh,
    redirect_uri, resource, requested_resource, resource_kind, server_id, scopes, email_shared, issuer_epoch, auth_time,
    auth_method, nonce, consented_at, code_digest, code_kid, code_challenge, code_expires_at, refresh_idle_seconds,
    refresh_idle_expires_at, refresh_expires_at, client_keys)
  select p_connection_id, p_account_id, t.client_id, sha256(convert_to(t.client_id, 'UTF8')), t.client, t.client->>'kind',
    t.can_refresh, t.redirect_uri, t.resource, t.requested_resource, t.resource_kind, t.server_id, p_scopes,
    coalesce((select s.share_email from mcp_data.servers s where s.server_id = t.server_id), true), e.issuer_epoch,
    p_auth_time, p_auth_method, t.nonce, p_consented_at, p_code_digest, p_kid, t.code_challenge,
    now() + make_interval(secs => (p_lifetimes->>'code_seconds')::integer), (p_lifetimes->>'refresh_idle_seconds')::integer,
    now() + make_interval(secs => (p_lifetimes->>'refresh_idle_seconds')::integer), now() + make_interval(secs => t.access_seconds),
    coalesce(mcp_data.text_array(t.client->'key_thumbprints'), '{}')
  from mcp_data.settings e;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'approved', 'redirect_uri', t.redirect_uri, 'state', t.state,
    'client', t.client, 'scopes', to_jsonb(p_scopes)));
end $$;

-- A connection with everything its life depends on: account, client, server, issuer epoch (SECURITY §21, G13, H14, M12).
-- Internal. `refusal` is null while all of them are alive, else the stable reason; every token function asks this one, so
-- that a kill switch cannot be forgotten in one of them.
create or replace function mcp_data.connection_state(p_connection_id text) returns table (connection mcp_data.connections,
  email text, name text, registered_scopes text[], token_lifetime_seconds integer, email_is_shared boolean, issuer_epoch integer,
  client_policy_allows boolean, refusal text)
language plpgsql stable rows 1 set search_path = '' as $$
begin
  return query
  select c, a.email, a.name, coalesce(s.scope_names, '{}'), s.token_lifetime_seconds,
    c.email_shared and coalesce(s.share_email, true), e.issuer_epoch, mcp_data.client_policy_allows(s.client_policy, c.client_kind),
    case
      when c.revoked_at is not null or c.issuer_epoch <> e.issuer_epoch then 'connection_revoked'
      when c.suspended_at is not null then 'client_changed'
      when a.disabled_at is not null then 'account_disabled'
      when b.client_id_digest is not null
        or (c.client_kind = 'pre_registered' and (p.client_id is null or p.blocked_at is not null)) then 'client_blocked'
      -- A server whose URL is not proven serves its owner only (HTTP-API "Authorization").
      when c.server_id is not null and s.status <> 'verified'
        and not (s.status = 'pending' and s.owner_account_id is not distinct from c.account_id) then 'server_unavailable'
    end
  from mcp_data.connections c
  join mcp_data.accounts a on a.account_id = c.account_id
  cross join mcp_data.settings e
  left join mcp_data.servers s on s.server_id = c.server_id
  left join mcp_data.clients p on p.client_id = c.client_id and c.client_kind = 'pre_registered'
  left join mcp_data.blocked_clients b on b.client_id_digest = c.client_id_digest
  where c.connection_id = p_connection_id;
end $$;

-- When this person said yes to the same thing (SECURITY §11, B14), or null. Internal.
-- Same account, client, redirect URI and resource, no wider scopes, and the connection it made still lives. Consent is kept
-- nowhere else, so revoking the connection forgets it (B15).
create or replace function mcp_data.remembered_consent(p_transaction mcp_data.transactions, p_seconds integer) returns timestamptz
language plpgsql stable set search_path = '' as $$
declare
  -- A client that proves itself less well than then is asked about again (E17). Keys that are fetched are not known yet.
  v_proof jsonb := jsonb_build_object('method', p_transaction.client->>'token_endpoint_auth_method',
    'key_thumbprints', p_transaction.client->'key_thumbprints');
begin
  return (
    select max(c.consented_at)
    from mcp_data.connections c
    left join mcp_data.servers s on s.server_id = c.server_id
    cross join mcp_data.settings e
    where c.account_id = p_transaction.account_id and c.server_id is not distinct from p_transaction.server_id
      and c.client_id = p_transaction.client_id and c.redirect_uri = p_transaction.redirect_uri
      and c.resource = p_transaction.resource and c.scopes @> (p_transaction.requested_scopes || p_transaction.identity_scopes)
      and c.suspended_at is null and not mcp_data.client_has_changed(c, v_proof)
      and c.revoked_at is null and c.code_redeemed_at is not null and c.issuer_epoch = e.issuer_epoch
      and c.refresh_expires_at > now() and c.consented_at > now() - make_interval(secs => p_seconds)
      and (c.email_shared or not coalesce(s.share_email, true)));
end $$;

-- What follows from a refused code (F1, F2): a proven replay ends the connection, a wrong verifier is an event, nothing else
-- leaves a trace. Internal.
create or replace function mcp_data.refuse_code(p_connection mcp_data.connections, p_refusal text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  v_event text := case p_refusal when 'code_replayed' then 'authorization_code.replayed' when 'verifier_mismatch' then 'pkce.failed' end;
begin
  if p_refusal = 'client_changed' then
    perform mcp_data.suspend_connection(p_connection, p_request);
  end if;
  if v_event is null or p_connection.revoked_at is not null then
    return;
  end if;
  perform mcp_data.add_event(v_event, p_refusal, p_connection.account_id, p_connection.client_id, p_connection.server_id,
    p_connection.connection_id, null, p_request);
  if p_refusal = 'code_replayed' then
    perform mcp_data.revoke_connection(p_connection, p_refusal, p_request);
  end if;
end $$;

-- Redeems an authorization code (OAuth 2.1 §4.1.3, RFC 7636 §4.6; F1-F10, F26-F28). Who presents it, with what, is proven
-- before its use is looked at: so a stranger neither burns a code nor kills its tokens, and a proven second use does kill them.
-- `p_client` says how the client authenticated; the jti of its assertion is used up before anything else is looked at.
-- outcomes: assertion_replayed · exchanged {connection} · code_unknown · client_mismatch · redirect_uri_mismatch · verifier_mismatch · code_replayed ·
--   code_expired · connection_revoked · account_disabled · client_blocked · client_changed · server_unavailable · resource_mismatch · scope_exceeded
create or replace function mcp.exchange_authorization_code(p_connection_id text, p_code_digests bytea[], p_client_id text, p_redirect_uri text,
  p_code_challenge text, p_resource_candidates text[], p_scope text[], p_refresh_digest bytea, p_kid text,
  p_client jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
  v_refusal text;
begin
  if not mcp_data.take_assertion(p_client) then
    return jsonb_build_object('outcome', 'assertion_replayed');
  end if;
  perform from mcp_data.connections where connection_id = p_connection_id for update;
  select * into s from mcp_data.connection_state(p_connection_id);
  c := s.connection;
  v_refusal := case
    when not coalesce(c.code_digest = any(p_code_digests), false) then 'code_unknown'
    when c.client_id is distinct from p_client_id then 'client_mismatch'
    when c.redirect_uri <> p_redirect_uri then 'redirect_uri_mismatch'
    when c.code_challenge is distinct from p_code_challenge then 'verifier_mismatch'
    when c.code_redeemed_at is not null then 'code_replayed'
    when c.code_expires_at <= now() then 'code_expired'
    when s.refusal is not null then s.refusal
    when mcp_data.client_has_changed(c, p_client) then 'client_changed'
    when not s.client_policy_allows then 'client_blocked'
    when not mcp_data.resource_fits(c, p_resource_candidates) then 'resource_mismatch'
    when cardinality(p_scope) > 0 and not p_scope <@ c.scopes then 'scope_exceeded' end;
  if v_refusal is not null then
    perform mcp_data.refuse_code(c, v_refusal, p_request);
    return jsonb_build_object('outcome', v_refusal);
  end if;
  update mcp_data.connections set code_redeemed_at = now(), last_used_at = now(), generation = 1,
    refresh_digest = case when can_refresh then p_refresh_digest end, refresh_kid = case when can_refresh then p_kid end,
    refresh_idle_expires_at = now() + make_interval(secs => refresh_idle_seconds),
    client_keys = coalesce(nullif(mcp_data.text_array(p_client->'key_thumbprints'), '{}'), client_keys)
  where connection_id = p_connection_id returning * into c;
  perform mcp_data.add_event('authorization_code.redeemed', null, c.account_id, c.client_id, c.server_id, c.connection_id, null, p_request);
  return jsonb_build_object('outcome', 'exchanged', 'connection', mcp_data.describe_connection(c, s.email, s.name,
    mcp_data.effective_scopes(c.scopes, c.resource_kind, s.registered_scopes, nullif(p_scope, '{}')),
    s.token_lifetime_seconds, s.issuer_epoch));
end $$;
grant execute on function mcp.exchange_authorization_code(text, bytea[], text, text, text, text[], text[], bytea, text, jsonb, jsonb) to mcp_worker;

-- Uses a refresh token (SECURITY §18-20, OAuth 2.1 §4.3.1; G1-G16). The current one rotates; its immediate predecessor gets
-- the same successor again while that is unused, within the retry window; any other token that was once valid ends the
-- connection; an invented one changes nothing.
-- `p_client` says how the client authenticated; the jti of its assertion is used up before anything else is looked at.
-- outcomes: assertion_replayed · rotated {connection} · retried {connection, successor_ciphertext} · refresh_reused · refresh_unknown · refresh_expired ·
--   client_mismatch · resource_mismatch · connection_revoked · account_disabled · client_blocked · client_changed · server_unavailable ·
--   limited {retry_after_seconds}
create or replace function mcp.rotate_refresh_token(p_connection_id text, p_generation integer, p_token_digests bytea[], p_client_id text,
  p_resource_candidates text[], p_scope text[], p_successor_digest bytea, p_successor_ciphertext bytea, p_kid text, p_retry jsonb,
  p_client jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
  v_age text;
  v_refusal text;
  v_is_retry boolean;
  v_scopes text[];
begin
  if not mcp_data.take_assertion(p_client) then
    return jsonb_build_object('outcome', 'assertion_replayed');
  end if;
  perform from mcp_data.connections where connection_id = p_connection_id for update;
  select * into s from mcp_data.connection_state(p_connection_id);
  c := s.connection;
  v_age := mcp_data.refresh_token_age(c, p_generation, p_token_digests);
  v_is_retry := v_age = 'previous' and c.rotated_at > now() - make_interval(secs => (p_retry->>'window_seconds')::integer)
    and c.retries < (p_retry->>'max')::integer;
  v_refusal := case
    when v_age is null then 'refresh_unknown'
    when c.client_id is distinct from p_client_id then 'client_mismatch'
    when s.refusal = 'connection_revoked' then 'connection_revoked'
    when least(c.refresh_idle_expires_at, c.refresh_expires_at) <= now() then 'refresh_expired'
    when v_age <> 'current' and not v_is_retry then 'refresh_reused'
    when s.refusal is not null then s.refusal
    when mcp_data.client_has_changed(c, p_client) then 'client_changed'
    when not s.client_policy_allows then 'client_blocked'
    when not mcp_data.resource_fits(c, p_resource_candidates) then 'resource_mismatch' end;
  if v_refusal = 'refresh_reused' then
    perform mcp_data.add_event('refresh.reused', v_age, c.account_id, c.client_id, c.server_id, c.connection_id, null, p_request);
    perform mcp_data.revoke_connection(c, v_refusal, p_request);
    return jsonb_build_object('outcome', v_refusal);
  end if;
  -- Retries have their own count; all other calls with a real token are limited (G15), invented ones cannot use it up.
  if v_age is not null and not (v_is_retry and v_refusal is null) then
    if c.refresh_window_at > now() - interval '1 minute' and c.refreshes_in_window >= 10 then
      return jsonb_build_object('outcome', 'limited', 'retry_after_seconds',
        greatest(1, ceil(extract(epoch from c.refresh_window_at + interval '1 minute' - now()))::integer));
    end if;
  end if;
  if v_refusal = 'client_changed' then
    perform mcp_data.suspend_connection(c, p_request);
  end if;
  if v_refusal is not null then
    perform mcp_data.count_refresh(c, v_age, v_refusal, p_request);
    return jsonb_build_object('outcome', v_refusal);
  end if;

  v_scopes := mcp_data.effective_scopes(c.scopes, c.resource_kind, s.registered_scopes, nullif(p_scope, '{}'));
  if cardinality(v_scopes) = 0 then
    -- Nothing of what was asked is granted: the answer names the grant (RFC 6749 §3.3), as for a wider request.
    v_scopes := mcp_data.effective_scopes(c.scopes, c.resource_kind, s.registered_scopes, null);
  end if;
  if v_is_retry then
    update mcp_data.connections set retries = retries + 1 where connection_id = p_connection_id;
    perform mcp_data.add_event('refresh.retried', null, c.account_id, c.client_id, c.server_id, c.connection_id, null, p_request);
    return jsonb_build_object('outcome', 'retried', 'successor_ciphertext', c.successor_ciphertext::text, 'connection',
      mcp_data.describe_connection(c, s.email, s.name, v_scopes, s.token_lifetime_seconds, s.issuer_epoch));
  end if;
  update mcp_data.connections set generation = generation + 1, refresh_digest = p_successor_digest, refresh_kid = p_kid,
    previous_digest = c.refresh_digest, successor_ciphertext = p_successor_ciphertext, rotated_at = now(), retries = 0,
    older_digests = case when c.previous_digest is null then ''
      else substring(substring(c.previous_digest from 1 for 8) || c.older_digests from 1 for 256) end,
    refresh_idle_expires_at = now() + make_interval(secs => refresh_idle_seconds), last_used_at = now(),
    client_keys = coalesce(nullif(mcp_data.text_array(p_client->'key_thumbprints'), '{}'), client_keys),
    refreshes_in_window = case when refresh_window_at > now() - interval '1 minute' then refreshes_in_window + 1 else 1 end,
    refresh_window_at = case when refresh_window_at > now() - interval '1 minute' then refresh_window_at else now() end
  where connection_id = p_connection_id returning * into c;
  -- One rotation in ten is an event: a hash of connection and generation decides.
  if hashtext(c.connection_id || c.generation) % 10 = 0 then
    perform mcp_data.add_event('refresh.rotated', 'sampled', c.account_id, c.client_id, c.server_id, c.connection_id, null, p_request);
  end if;
  return jsonb_build_object('outcome', 'rotated', 'connection',
    mcp_data.describe_connection(c, s.email, s.name, v_scopes, s.token_lifetime_seconds, s.issuer_epoch));
end $$;
grant execute on function mcp.rotate_refresh_token(text, integer, bytea[], text, text[], text[], bytea, bytea, text, jsonb, jsonb, jsonb) to mcp_worker;

-- Revocation (RFC 7009 §2.1; I1-I3): either kind of token ends its whole connection. Digests null: an access token whose signature
-- the Worker has checked. A foreign client's, an unknown or a dead one: nothing happens, and nobody is told.
-- outcomes: assertion_replayed · revoked · nothing
create or replace function mcp.revoke_token(p_client_id text, p_connection_id text, p_refresh_digests bytea[], p_generation integer,
  p_client jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  c mcp_data.connections;
begin
  if not mcp_data.take_assertion(p_client) then
    return jsonb_build_object('outcome', 'assertion_replayed');
  end if;
  select * into c from mcp_data.connections where connection_id = p_connection_id for update;
  if not found or c.client_id is distinct from p_client_id or c.revoked_at is not null
    or (p_refresh_digests is not null and mcp_data.refresh_token_age(c, p_generation, p_refresh_digests) is null) then
    return jsonb_build_object('outcome', 'nothing');
  end if;
  perform mcp_data.revoke_connection(c, 'token_revoked', p_request);
  return jsonb_build_object('outcome', 'revoked');
end $$;
grant execute on function mcp.revoke_token(text, text, bytea[], integer, jsonb, jsonb) to mcp_worker;

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

-- The row of an authorization request, before it is known whose browser it belongs to. Internal; it writes nothing.
create or replace function mcp_data.new_transaction(p_client jsonb, p_authorization jsonb, p_lifetimes jsonb, p_resource_kind text,
  p_server mcp_data.servers, p_server_scopes text[], p_identity_scopes text[]) returns mcp_data.transactions
language plpgsql stable set search_path = '' as $$
declare
  t mcp_data.transactions;
begin
  t.created_at := now();
  t.expires_at := now() + make_interval(secs => (p_lifetimes->>'transaction_seconds')::integer);
  t.client := p_client;
  t.client_id := p_client->>'client_id';
  t.redirect_uri := p_authorization->>'redirect_uri';
  t.redirect_trust := p_authorization->>'redirect_trust';
  t.resource_kind := p_resource_kind;
  t.server_id := p_server.server_id;
  t.resource := case p_resource_kind when 'server' then p_server.server_url
    when 'management' then p_authorization->>'issuer' || '/api' else p_authorization->>'issuer' end;
  t.requested_resource := p_authorization->'resource_candidates'->>0;
  t.requested_scopes := p_server_scopes;
  t.identity_scopes := p_identity_scopes;
  t.code_challenge := p_authorization->>'code_challenge';
  t.state := p_authorization->>'state';
  t.nonce := p_authorization->>'nonce';
  t.login_hint := p_authorization->>'login_hint';
  -- Nobody knows who stands behind an https redirect that registered itself (SECURITY §20, D12).
  t.access_seconds := case when p_client->>'kind' = 'dynamic' and t.redirect_uri like 'https://%'
    then least((p_lifetimes->>'refresh_absolute_seconds')::integer, coalesce((p_lifetimes->>'refresh_unverified_seconds')::integer, 604800))
    else (p_lifetimes->>'refresh_absolute_seconds')::integer end;
  t.minimum_auth_time := case when p_authorization->'prompt' ? 'login' then now()
    else now() - make_interval(secs => (p_authorization->>'max_age_seconds')::integer) end;
  return t;
end $$;

-- Opens an authorization transaction once client and redirect URI are proven (SECURITY §8, §11; RFC 8707; RFC 6749 §3.3).
-- One call: client liveness, resource, scopes, session, remembered consent, and the write. With prompt=none nothing is
-- written: the answer says what a person would have to do.
-- (Plans are kept by a session from its first calls on: one made for an empty table must not read a full one through.)
-- outcomes: client_unknown · client_blocked · invalid_target {reason, server_url?} · invalid_scope {reason} ·
--   unauthorized_client {reason} · sign_in {transaction} · consent {transaction} · approved {redirect_uri, state?, client, scopes}
create or replace function mcp.open_transaction(p_transaction_id text, p_browser_digests bytea[], p_browser_digest bytea, p_kid text,
  p_session_digests bytea[], p_client jsonb, p_authorization jsonb, p_connection_id text, p_code_digest bytea, p_lifetimes jsonb,
  p_max_open_transactions integer, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' set enable_seqscan = off as $$
declare
  v_client record;
  v_session record;
  v_resource record;
  v_scopes record;
  v_consented_at timestamptz;
  v_prompt text[] := mcp_data.text_array(p_authorization->'prompt');
  t mcp_data.transactions;
begin
  v_client := mcp_data.check_client(p_client);
  if v_client.refusal is not null then
    return jsonb_build_object('outcome', v_client.refusal);
  end if;
  v_session := mcp_data.session_of(p_session_digests, (p_lifetimes->>'session_idle_seconds')::integer);
  v_resource := mcp_data.choose_resource(mcp_data.text_array(p_authorization->'resource_candidates'),
    coalesce((p_authorization->>'resource_is_origin')::boolean, false), p_authorization->>'issuer', v_session.account_id);
  if v_resource.kind is null then
    -- The longest URL that waits for its proof: it is tried on the spot (HTTP-API "Proof of server_url").
    return jsonb_strip_nulls(jsonb_build_object('outcome', 'invalid_target', 'reason', v_resource.reason, 'server_url', (
      select s.server_url from mcp_data.servers s
      where v_resource.reason = 'resource_unverified' and s.status = 'pending'
        and s.server_url = any(mcp_data.text_array(p_authorization->'resource_candidates'))
      order by length(s.server_url) desc limit 1)));
  end if;
  if not mcp_data.client_policy_allows((v_resource.server).client_policy, p_client->>'kind') then
    return jsonb_build_object('outcome', 'unauthorized_client', 'reason', 'client_not_allowed');
  end if;
  v_scopes := mcp_data.choose_scopes(mcp_data.text_array(p_authorization->'scope'), v_resource.kind, (v_resource.server).scopes);
  if v_scopes.server_scopes is null then
    return jsonb_build_object('outcome', 'invalid_scope', 'reason', 'scope_unknown');
  end if;

  t := mcp_data.new_transaction(p_client, p_authorization, p_lifetimes, v_resource.kind, v_resource.server,
    v_scopes.server_scopes, v_scopes.identity_scopes);
  t.transaction_id := p_transaction_id;
  t.browser_digest := p_browser_digest;
  t.browser_kid := p_kid;
  t.can_refresh := v_client.can_refresh;
  if v_session.auth_time < t.minimum_auth_time then
    v_session.session_id := null;
  end if;

  if v_session.session_id is not null then
    t.account_id := v_session.account_id;
    perform mcp_data.renew_session_digest(v_session.session_id, p_session_digests[1], p_kid);
    if t.redirect_trust = 'proven' and not v_prompt && array['consent', 'login', 'select_account'] then
      v_consented_at := mcp_data.remembered_consent(t, (p_lifetimes->>'remembered_consent_seconds')::integer);
    end if;
    if v_consented_at is not null then
      perform mcp_data.add_event('consent.granted', 'remembered', t.account_id, t.client_id, t.server_id, p_connection_id, null, p_request);
      return mcp_data.approve(t, t.requested_scopes || t.identity_scopes, t.account_id, v_session.auth_time,
        v_session.auth_method, v_consented_at, p_connection_id, p_code_digest, p_kid, p_lifetimes);
    end if;
  end if;
  if not 'none' = any(v_prompt) then
    -- One browser holds a bounded number of open transactions; the oldest makes room.
    -- (An array, because a sub-select may be planned as a join that reads the whole table.)
    delete from mcp_data.transactions o where o.transaction_id = any(array(
      select x.transaction_id from mcp_data.transactions x
      where x.browser_digest = any(p_browser_digests || p_browser_digest) and x.decided_at is null
      order by x.created_at desc offset greatest(p_max_open_transactions, 1) - 1));
    insert into mcp_data.transactions select t.*;
  end if;
  return jsonb_build_object('outcome', case when v_session.session_id is null then 'sign_in' else 'consent' end,
    'transaction', case when v_session.session_id is null then mcp_data.show_transaction(t, null, null, null)
      else mcp_data.show_transaction(t, v_session.account_id, v_session.email, v_session.auth_time) end);
end $$;
grant execute on function mcp.open_transaction(text, bytea[], bytea, text, bytea[], jsonb, jsonb, text, bytea, jsonb, integer, jsonb) to mcp_worker;

-- Whether a server's URL may be asked for its proof now: at most once a minute (HTTP-API "Proof of server_url"). An owner names
-- the server; at an authorization the URL is enough, for all that wait for it: its document says which of them it is.
-- outcomes: due {server_url} · too_soon {retry_after_seconds} · verified {server} · suspended · not_found · caller_unknown ·
--   scope_missing {scope}
create or replace function mcp.begin_verification(p_server_id text, p_server_url text, p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_begun_at timestamptz;
  s mcp_data.servers;
begin
  if p_server_id is not null then
    v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
    if v_caller.refusal is not null then
      return v_caller.refusal;
    end if;
    s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  else
    select * into s from mcp_data.servers v where v.server_url = p_server_url and v.status = 'pending' limit 1;
  end if;
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'verified' then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  elsif s.status = 'suspended' and s.suspended_reason is distinct from 'taken_over' then
    return jsonb_build_object('outcome', 'suspended');
  end if;
  -- One URL, one document, one count: also for claimants that wait in numbers. Locked in one order.
  perform from mcp_data.servers v where v.server_url = s.server_url and v.status in ('pending', 'suspended')
  order by v.server_id for update;
  select max(v.verification_begun_at) into v_begun_at from mcp_data.servers v
  where v.server_url = s.server_url and v.status in ('pending', 'suspended') and (p_server_id is null or v.server_id = p_server_id);
  if v_begun_at > now() - interval '1 minute' then
    return jsonb_build_object('outcome', 'too_soon', 'retry_after_seconds',
      greatest(1, ceil(extract(epoch from v_begun_at + interval '1 minute' - now()))::integer));
  end if;
  update mcp_data.servers v set verification_begun_at = now()
  where v.server_url = s.server_url and v.status in ('pending', 'suspended') and (p_server_id is null or v.server_id = p_server_id);
  return jsonb_build_object('outcome', 'due', 'server_url', s.server_url);
end $$;
grant execute on function mcp.begin_verification(text, text, jsonb) to mcp_worker;

-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands.
-- outcomes: verified {server} · taken_over {server, from} · holder_stands · not_found
create or replace function mcp.finish_verification(p_server_id text, p_server_url text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s mcp_data.servers;
  v_holder mcp_data.servers;
begin
  -- All claimants of a URL, in one order: two that finish at once wait for each other.
  perform from mcp_data.servers v where v.server_url = p_server_url and v.status <> 'deleted' order by v.server_id for update;
  select * into s from mcp_data.servers v where v.server_id = p_server_id and v.server_url = p_server_url
    and (v.status in ('pending', 'verified') or (v.status = 'suspended' and v.suspended_reason = 'taken_over'));
  if not found or s.verification_begun_at is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'verified' then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  select * into v_holder from mcp_data.servers v where v.server_url = p_server_url and v.status = 'verified';
  if v_holder.verified_at >= s.verification_begun_at then
    return jsonb_build_object('outcome', 'holder_stands');
  end if;
  if v_holder.server_id is not null then
    perform mcp_data.suspend_server(v_holder, 'taken_over', p_request);
  end if;
  update mcp_data.servers v set status = 'verified', verified_at = clock_timestamp(), suspended_at = null, suspended_reason = null
  where v.server_id = p_server_id returning * into s;
  perform mcp_data.add_event('server.verified', case when v_holder.server_id is null then 'document' else 'taken_over' end,
    s.owner_account_id, null, p_server_id, null, jsonb_strip_nulls(jsonb_build_object('from', v_holder.server_id)), p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', case when v_holder.server_id is null then 'verified' else 'taken_over' end,
    'server', mcp_data.describe_server(s), 'from', v_holder.server_id));
end $$;
grant execute on function mcp.finish_verification(text, text, jsonb) to mcp_worker;

-- Removes what has ended, at most p_batch rows a kind (decision 4), and keeps the audit months ahead. p_retention may hold
-- transaction_seconds, session_seconds, connection_seconds, key_seconds, pending_server_seconds, tombstone_seconds, audit_seconds.
-- outcomes: cleaned {rows, more}
create or replace function mcp.clean_up(p_batch integer, p_retention jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  r jsonb := '{"transaction_seconds": 3600, "session_seconds": 86400, "connection_seconds": 2592000, "key_seconds": 7776000,
    "pending_server_seconds": 1209600, "tombstone_seconds": 7776000, "audit_seconds": 34560000}'::jsonb || coalesce(p_retention, '{}');
  v_rows jsonb := '{}';
  v_count integer;
begin
  delete from mcp_data.transactions where transaction_id = any(array(select x.transaction_id from mcp_data.transactions x
    where x.expires_at < now() - make_interval(secs => (r->>'transaction_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('transactions', v_count);
  delete from mcp_data.sessions where session_id = any(array(select x.session_id from mcp_data.sessions x
    where least(x.expires_at, x.ended_at) < now() - make_interval(secs => (r->>'session_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('sessions', v_count);
  delete from mcp_data.limits where subject_digest = any(array(select x.subject_digest from mcp_data.limits x
    where x.expires_at < now() limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('limits', v_count);
  -- Kept an hour longer than they are worth anything, for clocks that disagree.
  delete from mcp_data.client_assertions where assertion_digest in (select x.assertion_digest from mcp_data.client_assertions x
    where x.expires_at < now() - make_interval(secs => (r->>'transaction_seconds')::integer) limit p_batch for update skip locked);
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('client_assertions', v_count);
  -- A code that nobody redeemed leaves nothing behind; an ended connection stays a while, so that replays are still known.
  delete from mcp_data.connections where connection_id = any(array(select x.connection_id from mcp_data.connections x
    where (x.code_redeemed_at is null and x.code_expires_at < now() - make_interval(secs => (r->>'transaction_seconds')::integer))
      or x.refresh_expires_at < now() - make_interval(secs => (r->>'connection_seconds')::integer)
      or x.revoked_at < now() - make_interval(secs => (r->>'connection_seconds')::integer)
    limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('connections', v_count);
  delete from mcp_data.server_keys where key_id = any(array(select x.key_id from mcp_data.server_keys x
    where least(x.revoked_at, x.expires_at) < now() - make_interval(secs => (r->>'key_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('keys', v_count);
  delete from mcp_data.servers where server_id = any(array(select x.server_id from mcp_data.servers x
    where x.deleted_at < now() - make_interval(secs => (r->>'tombstone_seconds')::integer)
      or (x.status = 'pending' and x.owner_account_id is null
        and x.created_at < now() - make_interval(secs => (r->>'pending_server_seconds')::integer))
    limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('servers', v_count);
  v_rows := v_rows || jsonb_build_object('audit_months',
    mcp_data.drop_audit_partitions(now() - make_interval(secs => (r->>'audit_seconds')::integer), p_batch));
  for v_count in 0..2 loop
    perform mcp_data.make_audit_partition(now() + make_interval(months => v_count));
  end loop;
  return jsonb_build_object('outcome', 'cleaned', 'rows', v_rows,
    'more', exists (select from jsonb_each_text(v_rows) e where e.key <> 'audit_months' and e.value::integer >= p_batch));
end $$;
grant execute on function mcp.clean_up(integer, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261125000000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
