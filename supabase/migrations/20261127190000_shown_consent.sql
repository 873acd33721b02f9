-- Consent is to what the page showed, whatever the owner changes while it is read (THREATS B10), and an owner's limit is told ten times
-- an hour (M8).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

alter table mcp_data.transactions add column required_scopes text[], add column email_is_shared boolean;

drop function mcp_data.requested_catalogue(jsonb, text[]);

-- The entries of a catalogue that were asked for, in the catalogue's order; required are those that were when it was asked, where that is
-- known. Internal.
create or replace function mcp_data.requested_catalogue(p_catalogue jsonb, p_scopes text[], p_required text[] default null) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('name', e.entry->>'name', 'description', coalesce(e.entry->>'description', ''),
      'required', coalesce(e.entry->>'name' = any(p_required), (e.entry->>'required')::boolean, false), 'default', coalesce((e.entry->>'default')::boolean, true))
      order by e.place), '[]')
    from jsonb_array_elements(p_catalogue) with ordinality as e (entry, place)
    where e.entry->>'name' = any(p_scopes));
end $$;

-- The row of an authorization request, before it is known whose browser it belongs to. Internal; it writes nothing.
create or replace function mcp_data.new_transaction(p_client jsonb, p_authorization jsonb, p_lifetimes jsonb, p_resource_kind text,
  p_server mcp_data.servers, p_server_scopes text[], p_identity_scopes text[]) returns mcp_data.transactions
language plpgsql stable set search_path = '' as $$
declare
  t mcp_data.transactions;
begin
  t.created_at := now();
  t.needs_passkey := false;
  t.passkey_round := 0;
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
  t.required_scopes := case when p_resource_kind = 'server' then array(
    select e->>'name' from jsonb_array_elements(p_server.scopes) e
    where e->>'name' = any(p_server_scopes) and coalesce((e->>'required')::boolean, false)) end;
  t.email_is_shared := coalesce(p_server.share_email, true);
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

-- What the sign-in and consent pages show of a transaction. Internal. No e-mail given: nobody is signed in.
create or replace function mcp_data.show_transaction(p_transaction mcp_data.transactions, p_account_id uuid, p_email text, p_auth_time timestamptz)
returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  t alias for p_transaction;
  s mcp_data.servers;
  v_server jsonb;
  v_connected text[];
begin
  if t.resource_kind = 'management' then
    v_server := jsonb_build_object('server_id', null, 'server_name', 'Auth-Agent MCP management', 'server_url', t.resource,
      'share_email', true, 'client_policy', 'any', 'scopes', mcp_data.requested_catalogue(mcp_data.management_scopes(), t.requested_scopes));
  elsif t.resource_kind = 'server' then
    select * into s from mcp_data.servers where server_id = t.server_id;
    v_server := jsonb_strip_nulls(jsonb_build_object('server_id', s.server_id, 'server_name', s.server_name,
      'server_url', s.server_url, 'description', s.description, 'share_email', s.share_email and coalesce(t.email_is_shared, true), 'client_policy', s.client_policy,
      'requires_passkey', s.requires_passkey, 'scopes', mcp_data.requested_catalogue(s.scopes, t.requested_scopes, t.required_scopes)));
  end if;
  if p_account_id is not null then
    -- The port of a loopback redirect changes with every run of a client (RFC 8252 §7.3).
    select c.scopes into v_connected from mcp_data.connections c
    where c.account_id = p_account_id and c.server_id is not distinct from t.server_id and c.resource = t.resource
      and c.client_id = t.client_id and c.revoked_at is null and c.code_redeemed_at is not null
      and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now()
      and mcp_data.without_loopback_port(c.redirect_uri) = mcp_data.without_loopback_port(t.redirect_uri)
    order by c.created_at desc limit 1;
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'transaction_id', t.transaction_id, 'expires_at_seconds', floor(extract(epoch from t.expires_at))::bigint,
    'client', t.client, 'redirect_uri', t.redirect_uri, 'resource', t.resource, 'login_hint', t.login_hint, 'state', t.state,
    'identity_scopes', t.identity_scopes, 'auth_time_seconds', floor(extract(epoch from p_auth_time))::bigint,
    'step_up', v_connected is not null and not (t.requested_scopes || t.identity_scopes) <@ v_connected,
    'connected_scopes', coalesce(v_connected, '{}'), 'access_seconds', t.access_seconds, 'passkey_round', t.passkey_round,
    'wants_fresh_sign_in', t.minimum_auth_time is not null or s.sign_in_max_age_seconds is not null))
    || jsonb_build_object('server', v_server, 'account', case when p_account_id is not null
      then jsonb_build_object('account_id', p_account_id, 'email', p_email) end);
end $$;

-- The person's decision (SECURITY §8, §11; A29, A30, B11). Exactly one wins: the transaction's row is locked first.
-- Approval makes the connection, which holds the code. Identity scopes that were asked for come with any approval, and so do the
-- scopes that the page showed as required; with every scope of the server unticked the answer is no.
-- outcomes: approved {redirect_uri, state?, client, scopes, first_connection?} · denied {redirect_uri, state?, client} · transaction_gone {reason} ·
--   sign_in · scope_not_requested · refused {reason} · limited {retry_after_seconds}
create or replace function mcp.decide_consent(p_transaction_id text, p_browser_digests bytea[], p_session_digests bytea[],
  p_session_idle_seconds integer, p_decision text, p_scopes text[], p_connection_id text, p_code_digest bytea, p_kid text,
  p_lifetimes jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  s mcp_data.servers;
  v_session record;
  v_refusal jsonb;
  v_reason text;
  v_catalogue jsonb;
  v_granted text[];
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_refusal := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_refusal is null and t.page is not null then
    -- A sign-in for one of our own pages has nothing to consent to.
    v_refusal := jsonb_build_object('outcome', 'transaction_gone', 'reason', 'transaction_unknown');
  end if;
  if v_refusal is not null then
    return v_refusal;
  end if;
  v_session := mcp_data.session_of(p_session_digests, p_session_idle_seconds);
  select * into s from mcp_data.servers where server_id = t.server_id;
  if v_session.session_id is null or v_session.account_id is distinct from t.account_id
    or not mcp_data.sign_in_suffices(t, s, v_session.auth_time, v_session.auth_method) then
    return jsonb_build_object('outcome', 'sign_in');
  end if;
  v_refusal := mcp_data.count_consent(v_session.session_id);
  if v_refusal is not null then
    return v_refusal;
  end if;
  if not coalesce(p_scopes, '{}') <@ (t.requested_scopes || t.identity_scopes) then
    return jsonb_build_object('outcome', 'scope_not_requested');
  end if;
  v_reason := case when p_decision = 'approve' then mcp_data.approval_refusal(t) end;
  if v_reason is not null then
    perform mcp_data.add_event('authorization.failed', v_reason, t.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'refused', 'reason', v_reason);
  end if;

  v_catalogue := case t.resource_kind when 'management' then mcp_data.management_scopes() else s.scopes end;
  v_granted := array(
    select r.scope from unnest(t.requested_scopes) with ordinality as r (scope, place)
    where r.scope = any(p_scopes) or exists (
      select from jsonb_array_elements(mcp_data.requested_catalogue(v_catalogue, t.requested_scopes, t.required_scopes)) e
      where e->>'name' = r.scope and (e->>'required')::boolean)
    order by r.place);
  if p_decision is distinct from 'approve' or (cardinality(t.requested_scopes) > 0 and cardinality(v_granted) = 0) then
    update mcp_data.transactions set decided_at = now(), decision = 'denied' where transaction_id = p_transaction_id;
    perform mcp_data.add_event('consent.denied', null, t.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_strip_nulls(jsonb_build_object('outcome', 'denied', 'redirect_uri', t.redirect_uri, 'state', t.state, 'client', t.client));
  end if;
  update mcp_data.transactions set decided_at = now(), decision = 'approved' where transaction_id = p_transaction_id;
  perform mcp_data.add_event(case when v_granted @> t.requested_scopes then 'consent.granted' else 'consent.narrowed' end,
    null, t.account_id, t.client_id, t.server_id, p_connection_id,
    jsonb_build_object('scopes', v_granted || t.identity_scopes), p_request);
  return mcp_data.approve(t, v_granted || t.identity_scopes, t.account_id, v_session.auth_time, v_session.auth_method, now(),
      p_connection_id, p_code_digest, p_kid, p_lifetimes, p_request)
    || jsonb_strip_nulls(jsonb_build_object('first_connection', mcp_data.first_connection_notice(t, v_session.email, p_connection_id)));
end $$;
grant execute on function mcp.decide_consent(text, bytea[], bytea[], integer, text, text[], text, bytea, text, jsonb, jsonb) to mcp_worker;

-- Makes the connection of an approved transaction; it holds the authorization code (SECURITY §2, §3). Internal.
create or replace function mcp_data.approve(p_transaction mcp_data.transactions, p_scopes text[], p_account_id uuid, p_auth_time timestamptz,
  p_auth_method text, p_consented_at timestamptz, p_connection_id text, p_code_digest bytea, p_kid text, p_lifetimes jsonb, p_request jsonb)
returns jsonb
language plpgsql set search_path = '' as $$
declare
  t alias for p_transaction;
begin
  insert into mcp_data.connections (connection_id, account_id, client_id, client_id_digest, client, client_kind, can_refresh,
    redirect_uri, resource, requested_resource, resource_kind, server_id, scopes, email_shared, issuer_epoch, auth_time,
    auth_method, nonce, consented_at, code_digest, code_kid, code_challenge, code_expires_at, refresh_idle_seconds,
    refresh_idle_expires_at, refresh_expires_at, client_keys, user_agent, country, transaction_id)
  select p_connection_id, p_account_id, t.client_id, sha256(convert_to(t.client_id, 'UTF8')), t.client, t.client->>'kind',
    t.can_refresh, t.redirect_uri, t.resource, t.requested_resource, t.resource_kind, t.server_id, p_scopes,
    coalesce((select s.share_email from mcp_data.servers s where s.server_id = t.server_id), true) and coalesce(t.email_is_shared, true), e.issuer_epoch,
    p_auth_time, p_auth_method, t.nonce, p_consented_at, p_code_digest, p_kid, t.code_challenge,
    now() + make_interval(secs => (p_lifetimes->>'code_seconds')::integer), (p_lifetimes->>'refresh_idle_seconds')::integer,
    now() + make_interval(secs => (p_lifetimes->>'refresh_idle_seconds')::integer), now() + make_interval(secs => t.access_seconds),
    coalesce(mcp_data.text_array(t.client->'key_thumbprints'), '{}'), left(p_request->>'user_agent', 400), left(p_request->>'country', 2),
    t.transaction_id
  from mcp_data.settings e;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'approved', 'redirect_uri', t.redirect_uri, 'state', t.state,
    'client', t.client, 'scopes', to_jsonb(p_scopes)));
end $$;

-- Writes that an owner has reached a limit (J24), ten times an hour at most: whoever asks again and again writes nothing more (M8).
-- Internal.
create or replace function mcp_data.tell_limit(p_reason text, p_account_id uuid, p_server_id text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  if mcp_data.take_limit('limit_told', p_reason || ':' || coalesce(p_server_id, p_account_id::text), array[3600], array[10]) = 0 then
    perform mcp_data.add_event('limit.hit', p_reason, p_account_id, null, p_server_id, null, null, p_request);
  end if;
end $$;

-- An owner's limits at registration (SECURITY "Limits", J24): live servers, and changes an hour. Internal. Null: within them.
create or replace function mcp_data.check_server_limits(p_account_id uuid, p_limits jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_wait integer;
begin
  -- Locks the account, so that parallel registrations are counted one after the other.
  perform from mcp_data.accounts where account_id = p_account_id for no key update;
  if (p_limits->>'servers')::integer <= (
    select count(*) from mcp_data.servers s where s.owner_account_id = p_account_id and s.status <> 'deleted') then
    perform mcp_data.tell_limit('servers', p_account_id, null, p_request);
    return jsonb_build_object('outcome', 'limited', 'reason', 'servers');
  end if;
  v_wait := mcp_data.take_limit('owner_write', p_account_id::text, array[3600], array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  return null;
end $$;

-- Makes an API key for a server (SECURITY §3; J4, J5, J24). Its secret is never here, only the derived digest.
-- With an idempotency key the same call answers the same key (`replayed`); `secret_is_same` says whether the caller's derivation gave
-- the digest that is stored, so that the secret may be told again.
-- outcomes: created {key, secret_is_same, replayed?, notice?} · idempotency_mismatch · limited {reason, retry_after_seconds?} ·
--   not_found · caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.create_key(p_server_id text, p_caller jsonb, p_key jsonb, p_limits jsonb,
  p_idempotency jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_before record;
  s mcp_data.servers;
  k mcp_data.server_keys;
  v_wait integer;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'keys:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- Locks the server, so that parallel calls are counted one after the other.
  select * into s from mcp_data.servers x
  where x.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id and x.status <> 'deleted'
  for no key update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  v_before := mcp_data.made_before(p_idempotency);
  if v_before.is_mismatch then
    return jsonb_build_object('outcome', 'idempotency_mismatch');
  end if;
  -- Its id is drawn from the request, so the key is there for longer than the idempotency key is remembered.
  select * into k from mcp_data.server_keys x where x.key_id = coalesce(v_before.made_id, p_key->>'key_id') and x.server_id = p_server_id;
  if found and k.revoked_at is null then
    return jsonb_build_object('outcome', 'created', 'key', mcp_data.describe_key(k), 'replayed', true,
      'secret_is_same', k.key_digest = (p_key->>'digest')::bytea);
  elsif found or v_before.made_id is not null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if (p_limits->>'keys')::integer <= (select count(*) from mcp_data.server_keys x
    where x.server_id = p_server_id and x.revoked_at is null and (x.expires_at is null or x.expires_at > now())) then
    perform mcp_data.tell_limit('keys', v_caller.account_id, p_server_id, p_request);
    return jsonb_build_object('outcome', 'limited', 'reason', 'keys');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.server_keys (key_id, server_id, key_digest, key_kid, name, last_four, expires_at)
  values (p_key->>'key_id', p_server_id, (p_key->>'digest')::bytea, p_key->>'kid', p_key->>'name', p_key->>'last_four',
    now() + make_interval(secs => (p_key->>'expires_in_seconds')::integer))
  returning * into k;
  perform mcp_data.add_event('key.created', null, v_caller.account_id, null, p_server_id, null, jsonb_build_object('key_id', k.key_id), p_request);
  perform mcp_data.keep_idempotency_key(p_idempotency, k.key_id);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'created', 'key', mcp_data.describe_key(k), 'secret_is_same', true,
    'notice', mcp_data.addressee(s.owner_account_id)));
end $$;
grant execute on function mcp.create_key(text, jsonb, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

-- Makes a personal token (J19, J22, J24): by a fresh session, or by an access token of a fresh sign-in (RFC 9470), never by another
-- personal token, or a stolen one would live for ever. Its scopes are among the caller's. p_limits: tokens, writes_per_hour,
-- fresh_seconds. With an idempotency key the same call answers the same token, as in create_key.
-- outcomes: created {token, secret_is_same, replayed?, notice?} · idempotency_mismatch · not_found · not_allowed ·
--   limited {reason, retry_after_seconds?} · caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.create_personal_token(p_caller jsonb, p_token jsonb, p_limits jsonb, p_idempotency jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_scope text;
  v_before record;
  v_wait integer;
  t mcp_data.personal_tokens;
begin
  foreach v_scope in array mcp_data.text_array(p_token->'scopes') loop
    v_owner := mcp_data.resolve_owner(p_caller, v_scope);
    if v_owner.refusal is not null then
      return v_owner.refusal;
    end if;
  end loop;
  if p_caller->>'kind' = 'personal' then
    return jsonb_build_object('outcome', 'not_allowed');
  elsif p_caller->>'kind' = 'connection' and not exists (select from mcp_data.connection_caller(p_caller) c
    where c.auth_time >= now() - make_interval(secs => (p_limits->>'fresh_seconds')::integer)) then
    return jsonb_build_object('outcome', 'not_fresh');
  end if;
  -- Locks the account, so that parallel calls are counted one after the other.
  perform from mcp_data.accounts where account_id = v_owner.account_id for no key update;
  v_before := mcp_data.made_before(p_idempotency);
  if v_before.is_mismatch then
    return jsonb_build_object('outcome', 'idempotency_mismatch');
  end if;
  -- Its id is drawn from the request, so the token is there for longer than the idempotency key is remembered.
  select * into t from mcp_data.personal_tokens x
  where x.token_id = coalesce(v_before.made_id, p_token->>'token_id') and x.account_id = v_owner.account_id;
  if found and t.revoked_at is null then
    return jsonb_build_object('outcome', 'created', 'token', mcp_data.describe_personal_token(t), 'replayed', true,
      'secret_is_same', t.token_digest = (p_token->>'digest')::bytea);
  elsif found or v_before.made_id is not null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if (p_limits->>'tokens')::integer <= (select count(*) from mcp_data.personal_tokens x
    where x.account_id = v_owner.account_id and x.revoked_at is null and x.expires_at > now()) then
    perform mcp_data.tell_limit('tokens', v_owner.account_id, null, p_request);
    return jsonb_build_object('outcome', 'limited', 'reason', 'tokens');
  end if;
  v_wait := mcp_data.take_limit('owner_write', v_owner.account_id::text, array[3600], array[(p_limits->>'writes_per_hour')::integer]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.personal_tokens (token_id, account_id, token_digest, token_kid, name, last_four, scopes, issuer_epoch, expires_at)
  select p_token->>'token_id', v_owner.account_id, (p_token->>'digest')::bytea, p_token->>'kid', p_token->>'name', p_token->>'last_four',
    mcp_data.text_array(p_token->'scopes'), e.issuer_epoch, now() + make_interval(secs => (p_token->>'expires_in_seconds')::integer)
  from mcp_data.settings e returning * into t;
  perform mcp_data.add_event('personal_token.created', null, v_owner.account_id, null, null, null,
    jsonb_build_object('token_id', t.token_id, 'scopes', t.scopes), p_request);
  perform mcp_data.keep_idempotency_key(p_idempotency, t.token_id);
  return jsonb_build_object('outcome', 'created', 'token', mcp_data.describe_personal_token(t), 'secret_is_same', true,
    'notice', mcp_data.addressee(v_owner.account_id));
end $$;
grant execute on function mcp.create_personal_token(jsonb, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261127190000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
