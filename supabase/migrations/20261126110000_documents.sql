-- Takeover of a server's URL is told to both sides; keys that are fetched count for remembered consent, and a client that changed
-- is suspended in all of a person's connections (SECURITY §23, §24).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Each gets other arguments or another answer, so the old ones go.
drop function mcp.begin_verification(text, text, jsonb);
drop function mcp_data.suspend_server(mcp_data.servers, text, jsonb);
drop function mcp_data.suspend_connection(mcp_data.connections, jsonb);
drop function mcp_data.refuse_code(mcp_data.connections, text, jsonb);
drop function mcp_data.remembered_consent(mcp_data.transactions, integer);

-- Whether a client proves itself less well than when the person agreed (SECURITY §24, E17): by a weaker method, or by none of the
-- keys that were known then. Keys may have been rotated while one connection slept: then another one of the same person has seen
-- it, or the person has agreed again. A pre-registered client is the operator's to change. Internal.
create or replace function mcp_data.client_has_changed(p_connection mcp_data.connections, p_client jsonb) returns boolean
language plpgsql stable set search_path = '' as $$
declare
  v_methods text[] := array['none', 'client_secret_post', 'client_secret_basic', 'private_key_jwt'];
  v_keys text[];
begin
  if p_connection.client_kind = 'pre_registered' or p_client->>'method' is null then
    return false;
  end if;
  if array_position(v_methods, p_client->>'method')
    < array_position(v_methods, p_connection.client->>'token_endpoint_auth_method') then
    return true;
  end if;
  if cardinality(p_connection.client_keys) = 0 or jsonb_typeof(p_client->'key_thumbprints') is distinct from 'array' then
    return false;
  end if;
  v_keys := mcp_data.text_array(p_client->'key_thumbprints');
  return not p_connection.client_keys && v_keys and not exists (
    select from mcp_data.connections o
    where o.account_id = p_connection.account_id and o.client_id = p_connection.client_id
      and o.suspended_at is null and o.revoked_at is null and o.client_keys && v_keys);
end $$;

-- Stops a person's connections with a client that has changed, until the person agrees again by a new one (SECURITY §24, E17):
-- all of them, or a consent that is remembered for one would go on without asking. Internal.
create or replace function mcp_data.suspend_connections(p_connection mcp_data.connections, p_client jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  v_count integer;
begin
  -- A connection that another call holds right now is judged by that call: two that wait for each other would both fail.
  update mcp_data.connections c set suspended_at = now()
  where c.connection_id = any(array(select x.connection_id from mcp_data.connections x
    where x.account_id = p_connection.account_id and x.client_id = p_connection.client_id
      and x.suspended_at is null and x.revoked_at is null and mcp_data.client_has_changed(x, p_client)
    for update skip locked));
  get diagnostics v_count = row_count;
  if v_count > 0 then
    perform mcp_data.add_event('client.metadata_changed', 'client_changed', p_connection.account_id, p_connection.client_id,
      p_connection.server_id, p_connection.connection_id, jsonb_build_object('connections', v_count), p_request);
  end if;
end $$;

-- Suspends a server: its keys and connections end at once (J10). Its management tokens stay, so that its owner can prove the URL
-- again. One event says it for all connections: their number is not bounded. Internal.
create or replace function mcp_data.suspend_server(p_server mcp_data.servers, p_reason text, p_detail jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.servers v set status = 'suspended', suspended_at = now(), suspended_reason = p_reason
  where v.server_id = p_server.server_id;
  update mcp_data.server_keys set revoked_at = now() where server_id = p_server.server_id and revoked_at is null;
  update mcp_data.connections set revoked_at = now(), revoked_reason = 'server_suspended', successor_ciphertext = null
  where server_id = p_server.server_id and revoked_at is null;
  perform mcp_data.add_event('server.suspended', p_reason, p_server.owner_account_id, null, p_server.server_id, null, p_detail, p_request);
end $$;

-- When this person said yes to the same thing (SECURITY §11, B14), or null; and the keys by which the client was known. Internal.
-- Same account, client, redirect URI and resource, no wider scopes, and the connection it made still lives. Consent is kept
-- nowhere else, so revoking the connection forgets it (B15).
create or replace function mcp_data.remembered_consent(p_transaction mcp_data.transactions, p_seconds integer,
  out consented_at timestamptz, out client_keys text[])
language plpgsql stable set search_path = '' as $$
declare
  -- A client that proves itself less well than then is asked about again (E17). Keys that are fetched are not known yet.
  v_proof jsonb := jsonb_build_object('method', p_transaction.client->>'token_endpoint_auth_method',
    'key_thumbprints', p_transaction.client->'key_thumbprints');
begin
  select max(c.consented_at), (array_agg(distinct k.thumbprint) filter (where k.thumbprint is not null))[1:20]
  into consented_at, client_keys
  from mcp_data.connections c
  left join mcp_data.servers s on s.server_id = c.server_id
  cross join mcp_data.settings e
  left join lateral unnest(c.client_keys) as k (thumbprint) on true
  where c.account_id = p_transaction.account_id and c.server_id is not distinct from p_transaction.server_id
    and c.client_id = p_transaction.client_id and c.redirect_uri = p_transaction.redirect_uri
    and c.resource = p_transaction.resource and c.scopes @> (p_transaction.requested_scopes || p_transaction.identity_scopes)
    and c.suspended_at is null and not mcp_data.client_has_changed(c, v_proof)
    and c.revoked_at is null and c.code_redeemed_at is not null and c.issuer_epoch = e.issuer_epoch
    and c.refresh_expires_at > now() and c.consented_at > now() - make_interval(secs => p_seconds)
    and (c.email_shared or not coalesce(s.share_email, true));
end $$;

-- What follows from a refused code (F1, F2): a proven replay ends the connection, a wrong verifier is an event, nothing else
-- leaves a trace. Internal.
create or replace function mcp_data.refuse_code(p_connection mcp_data.connections, p_refusal text, p_client jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  v_event text := case p_refusal when 'code_replayed' then 'authorization_code.replayed' when 'verifier_mismatch' then 'pkce.failed' end;
begin
  if p_refusal = 'client_changed' then
    perform mcp_data.suspend_connections(p_connection, p_client, p_request);
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
    perform mcp_data.refuse_code(c, v_refusal, p_client, p_request);
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
    perform mcp_data.suspend_connections(c, p_client, p_request);
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
  v_known_keys text[];
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
      select r.consented_at, r.client_keys into v_consented_at, v_known_keys
      from mcp_data.remembered_consent(t, (p_lifetimes->>'remembered_consent_seconds')::integer) r;
    end if;
    if v_consented_at is not null then
      -- Keys that are fetched only when they are needed are held to those of the consent (E17).
      if cardinality(v_known_keys) > 0 and not t.client ? 'key_thumbprints' then
        t.client := t.client || jsonb_build_object('key_thumbprints', to_jsonb(v_known_keys));
      end if;
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
-- Whoever holds the URL learns of each claimant, once.
-- outcomes: due {server_url} · too_soon {retry_after_seconds} · verified {server} · suspended · not_found · caller_unknown ·
--   scope_missing {scope}
create or replace function mcp.begin_verification(p_server_id text, p_server_url text, p_caller jsonb, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_begun_at timestamptz;
  v_holder mcp_data.servers;
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
  if p_server_id is not null and v_begun_at is null then
    select * into v_holder from mcp_data.servers v where v.server_url = s.server_url and v.status = 'verified';
    if found then
      perform mcp_data.add_event('server.contested', null, v_holder.owner_account_id, null, v_holder.server_id, null,
        jsonb_build_object('by', s.server_id), p_request);
    end if;
  end if;
  return jsonb_build_object('outcome', 'due', 'server_url', s.server_url);
end $$;
grant execute on function mcp.begin_verification(text, text, jsonb, jsonb) to mcp_worker;

-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands.
-- Both are told: by events, and by mail where an account owns them.
-- outcomes: verified {server} · taken_over {server, from, owner_email?, former_owner_email?} · holder_stands · not_found
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
    perform mcp_data.suspend_server(v_holder, 'taken_over', jsonb_build_object('by', p_server_id), p_request);
  end if;
  update mcp_data.servers v set status = 'verified', verified_at = clock_timestamp(), suspended_at = null, suspended_reason = null
  where v.server_id = p_server_id returning * into s;
  perform mcp_data.add_event('server.verified', case when v_holder.server_id is null then 'document' else 'taken_over' end,
    s.owner_account_id, null, p_server_id, null, jsonb_strip_nulls(jsonb_build_object('from', v_holder.server_id)), p_request);
  if v_holder.server_id is null then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'taken_over', 'server', mcp_data.describe_server(s),
    'from', v_holder.server_id,
    'owner_email', (select a.email from mcp_data.accounts a where a.account_id = s.owner_account_id),
    'former_owner_email', (select a.email from mcp_data.accounts a where a.account_id = v_holder.owner_account_id)));
end $$;
grant execute on function mcp.finish_verification(text, text, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261126110000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
