-- People in control: sign-in for our own pages, the account's pages, notices, a fuller audit log (SECURITY §8, §9, §16, §28).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

alter table mcp_data.accounts
  -- Of the last sign-in: what mails are written in that no browser asks for.
  add column language text constraint accounts_language_is_a_tag check (language ~ '^[a-z]{2,8}$'),
  -- Device cookies that were signed before are those of strangers (C7, C18).
  add column devices_forgotten_at timestamptz;

alter table mcp_data.sessions
  add column country text constraint sessions_country_is_a_code check (country ~ '^[A-Z]{2}$');

alter table mcp_data.audit_events add column country text;
create index audit_events_by_moment on mcp_data.audit_events (occurred_at, event_id);

-- A sign-in for one of our own pages has the page's path and nothing of a client.
alter table mcp_data.transactions
  alter column client drop not null,
  alter column client_id drop not null,
  alter column can_refresh drop not null,
  alter column redirect_uri drop not null,
  alter column redirect_trust drop not null,
  alter column resource drop not null,
  alter column resource_kind drop not null,
  alter column requested_scopes drop not null,
  alter column identity_scopes drop not null,
  alter column code_challenge drop not null,
  alter column access_seconds drop not null,
  add column page text constraint transactions_page_is_ours check (page ~ '^/(account|dashboard)(/[A-Za-z0-9_-]+)*$' and length(page) <= 200),
  add constraint transactions_are_for_a_page_or_whole check (case when page is null
    then num_nulls(client, client_id, can_refresh, redirect_uri, redirect_trust, resource, resource_kind, requested_scopes,
      identity_scopes, code_challenge, access_seconds) = 0
    else num_nonnulls(client, client_id, redirect_uri, resource, server_id, code_challenge) = 0 end);

alter table mcp_data.email_challenges
  -- A device on which that person has signed in before: its codes are counted by themselves (C18).
  add column device_id text constraint email_challenges_device_id_has_its_shape check (device_id ~ '^[0-9A-Za-z_-]{22}$');

-- Gets one more argument, so the old one goes.
drop function mcp.send_email_code(text, bytea[], text, bytea, text, jsonb, text, jsonb);

alter table mcp_data.connections
  -- Where the person was at the approval, as far as the request told.
  add column user_agent text,
  add column country text constraint connections_country_is_a_code check (country ~ '^[A-Z]{2}$');

drop function mcp_data.approve(mcp_data.transactions, text[], uuid, timestamptz, text, timestamptz, text, bytea, text, jsonb);

-- Writes an audit event (SECURITY §28). Internal: nobody may execute it but mcp_owner's own functions.
create or replace function mcp_data.add_event(p_event text, p_reason text, p_account_id uuid, p_client_id text, p_server_id text,
  p_connection_id text, p_detail jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  insert into mcp_data.audit_events
    (event, reason, account_id, client_id, server_id, connection_id, detail, request_id, ip, user_agent, country)
  values (p_event, p_reason, p_account_id, p_client_id, p_server_id, p_connection_id, p_detail,
    left(p_request->>'request_id', 100), left(p_request->>'ip', 64), left(p_request->>'user_agent', 400), left(p_request->>'country', 2));
end $$;

-- Where mail for an account goes, and in which language; null when there is none. Internal.
create or replace function mcp_data.addressee(p_account_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_strip_nulls(jsonb_build_object('email', a.email, 'language', a.language))
    from mcp_data.accounts a where a.account_id = p_account_id);
end $$;

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
    refresh_idle_expires_at, refresh_expires_at, client_keys, user_agent, country)
  select p_connection_id, p_account_id, t.client_id, sha256(convert_to(t.client_id, 'UTF8')), t.client, t.client->>'kind',
    t.can_refresh, t.redirect_uri, t.resource, t.requested_resource, t.resource_kind, t.server_id, p_scopes,
    coalesce((select s.share_email from mcp_data.servers s where s.server_id = t.server_id), true), e.issuer_epoch,
    p_auth_time, p_auth_method, t.nonce, p_consented_at, p_code_digest, p_kid, t.code_challenge,
    now() + make_interval(secs => (p_lifetimes->>'code_seconds')::integer), (p_lifetimes->>'refresh_idle_seconds')::integer,
    now() + make_interval(secs => (p_lifetimes->>'refresh_idle_seconds')::integer), now() + make_interval(secs => t.access_seconds),
    coalesce(mcp_data.text_array(t.client->'key_thumbprints'), '{}'), left(p_request->>'user_agent', 400), left(p_request->>'country', 2)
  from mcp_data.settings e;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'approved', 'redirect_uri', t.redirect_uri, 'state', t.state,
    'client', t.client, 'scopes', to_jsonb(p_scopes)));
end $$;

-- Signs a person in, however they have shown who they are (SECURITY §9; B6): the browser's session of before ends, a new one
-- begins, and the transaction is the account's. Internal; every way to sign in ends here.
create or replace function mcp_data.begin_session(p_account_id uuid, p_auth_method text, p_transaction mcp_data.transactions,
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  t alias for p_transaction;
  v_ended_account_id uuid;
begin
  update mcp_data.sessions set ended_at = now() where session_digest = any(p_old_session_digests) and ended_at is null
  returning account_id into v_ended_account_id;
  if found then
    perform mcp_data.add_event('session.ended', 'replaced', v_ended_account_id, t.client_id, t.server_id, null, null, p_request);
  end if;
  insert into mcp_data.sessions (session_digest, session_kid, account_id, auth_time, auth_method, expires_at, ip, user_agent, country)
  values (p_session_digest, p_kid, p_account_id, now(), p_auth_method,
    now() + make_interval(secs => (p_lifetimes->>'session_absolute_seconds')::integer),
    left(p_request->>'ip', 64), left(p_request->>'user_agent', 400), left(p_request->>'country', 2));
  update mcp_data.accounts set language = coalesce(left(p_request->>'language', 8), language) where account_id = p_account_id;
  update mcp_data.transactions set account_id = p_account_id where transaction_id = t.transaction_id;
  perform mcp_data.add_event('session.created', p_auth_method, p_account_id, t.client_id, t.server_id, null, null, p_request);
end $$;

-- Under which name codes of an address are counted (C18): a device that the person has used before has a count of its own, so
-- that strangers who use up the address's cannot lock the person out. Internal.
create or replace function mcp_data.code_subject(p_email text, p_device_id text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return coalesce(p_device_id || ' ', '') || p_email;
end $$;

-- The moment of a cursor. Internal. Whole seconds and microseconds apart: together they are more than a double holds exactly.
create or replace function mcp_data.cursor_moment(p_cursor text) returns timestamptz
language plpgsql immutable set search_path = '' as $$
declare
  v_microseconds bigint := split_part(p_cursor, '.', 1)::bigint;
begin
  return to_timestamp(v_microseconds / 1000000) + (v_microseconds % 1000000) * interval '1 microsecond';
end $$;

-- The person's decision (SECURITY §8, §11; A29, A30, B11). Exactly one wins: the transaction's row is locked first.
-- Approval makes the connection, which holds the code. Identity scopes that were asked for come with any approval, required
-- scopes too; with every scope of the server unticked the answer is no.
-- outcomes: approved {redirect_uri, state?, client, scopes, first_connection?} · denied {redirect_uri, state?, client} · transaction_gone {reason} ·
--   sign_in · scope_not_requested · refused {reason} · limited {retry_after_seconds}
create or replace function mcp.decide_consent(p_transaction_id text, p_browser_digests bytea[], p_session_digests bytea[],
  p_session_idle_seconds integer, p_decision text, p_scopes text[], p_connection_id text, p_code_digest bytea, p_kid text,
  p_lifetimes jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  v_session record;
  v_refusal jsonb;
  v_reason text;
  v_catalogue jsonb;
  v_granted text[];
begin
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
  if v_session.session_id is null or v_session.account_id is distinct from t.account_id
    or v_session.auth_time < t.minimum_auth_time then
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

  v_catalogue := case t.resource_kind when 'management' then mcp_data.management_scopes()
    else (select s.scopes from mcp_data.servers s where s.server_id = t.server_id) end;
  v_granted := array(
    select r.scope from unnest(t.requested_scopes) with ordinality as r (scope, place)
    where r.scope = any(p_scopes) or exists (
      select from jsonb_array_elements(v_catalogue) e where e->>'name' = r.scope and coalesce((e->>'required')::boolean, false))
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

-- Deletes a person's account after a fresh sign-in (J22, M18): connections and sessions go with it, servers it owns end as if deleted
-- one by one. What stays is in the audit log, under the account's id and without the e-mail.
-- outcomes: deleted {email, language?} · not_fresh · sign_in
create or replace function mcp.delete_own_account(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  a mcp_data.accounts;
  v_server_id text;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  -- Locked as a sign-in and a consent lock them: transaction, session, account. Whoever comes second finds no account any more.
  perform from mcp_data.transactions t where t.account_id = v_person.account_id order by t.transaction_id for update;
  perform from mcp_data.sessions s where s.account_id = v_person.account_id order by s.session_id for update;
  select * into a from mcp_data.accounts x where x.account_id = v_person.account_id for update;
  if not found then
    return jsonb_build_object('outcome', 'sign_in');
  end if;
  for v_server_id in select s.server_id from mcp_data.servers s where s.owner_account_id = a.account_id and s.status <> 'deleted' order by 1 loop
    perform mcp_data.end_server(v_server_id, a.account_id, p_request);
  end loop;
  perform mcp_data.end_connections(a.account_id, null, 'all', 'account_deleted', p_request);
  delete from mcp_data.accounts x where x.account_id = a.account_id;
  perform mcp_data.add_event('account.deleted', null, a.account_id, null, null, null, null, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'deleted', 'email', a.email, 'language', a.language));
end $$;
grant execute on function mcp.delete_own_account(bytea[], integer, integer, jsonb) to mcp_worker;

-- Deletes a server (J25): its keys, management tokens and connections die at once, its row stays as a tombstone for 90 days.
-- outcomes: deleted · not_found · caller_unknown · scope_missing {scope}
create or replace function mcp.delete_server(p_server_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  if not mcp_data.end_server((mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id,
    v_caller.account_id, p_request) then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'deleted');
end $$;
grant execute on function mcp.delete_server(text, jsonb, jsonb) to mcp_worker;

-- A connection as the person sees it who made it (HTTP-API "Pages"). Internal. A server may be a tombstone; `server` is absent for
-- a connection that is about identity alone.
create or replace function mcp_data.describe_own_connection(c mcp_data.connections) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  s mcp_data.servers;
begin
  select * into s from mcp_data.servers v where v.server_id = c.server_id;
  return jsonb_strip_nulls(jsonb_build_object('connection_id', c.connection_id, 'client', c.client, 'redirect_uri', c.redirect_uri,
    'resource_kind', c.resource_kind, 'resource', c.resource, 'server_name', s.server_name,
    'scopes', to_jsonb(mcp_data.effective_scopes(c.scopes, c.resource_kind, s.scope_names, null)),
    'email_shared', c.resource_kind = 'server' and c.email_shared and s.share_email,
    'suspended', c.suspended_at is not null,
    'first_used_at_seconds', floor(extract(epoch from coalesce(c.code_redeemed_at, c.created_at)))::bigint,
    'last_used_at_seconds', floor(extract(epoch from c.last_used_at))::bigint,
    'idle_expires_at_seconds', floor(extract(epoch from least(c.refresh_idle_expires_at, c.refresh_expires_at)))::bigint,
    'expires_at_seconds', floor(extract(epoch from c.refresh_expires_at))::bigint,
    'user_agent', c.user_agent, 'country', c.country));
end $$;

-- An audit event as the person it is about sees it. Internal. Names are those of the connection, or of the pre-registered client.
create or replace function mcp_data.describe_own_event(e mcp_data.audit_events) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('event', e.event, 'reason', e.reason,
    'occurred_at_seconds', floor(extract(epoch from e.occurred_at))::bigint, 'ip', e.ip, 'user_agent', e.user_agent, 'country', e.country,
    'client_name', coalesce((select c.client->>'client_name' from mcp_data.connections c where c.connection_id = e.connection_id),
      (select p.client_name from mcp_data.clients p where p.client_id = e.client_id)),
    'server_name', (select s.server_name from mcp_data.servers s where s.server_id = e.server_id),
    'scopes', e.detail->'scopes'));
end $$;

-- A session as its person sees it. Internal.
create or replace function mcp_data.describe_session(s mcp_data.sessions, p_current uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('session_id', s.session_id, 'current', s.session_id is not distinct from p_current,
    'signed_in_at_seconds', floor(extract(epoch from s.auth_time))::bigint, 'auth_method', s.auth_method,
    'last_used_at_seconds', floor(extract(epoch from s.last_used_at))::bigint, 'user_agent', s.user_agent, 'country', s.country));
end $$;

-- Ends every connection of an account within an extent of this one (`one`, `client`, `server`, `all`), each with its event, and
-- gives their number. Internal. Locked in one order, so that two calls wait for each other and never in a circle.
create or replace function mcp_data.end_connections(p_account_id uuid, p_connection mcp_data.connections, p_extent text, p_reason text,
  p_request jsonb) returns integer
language plpgsql set search_path = '' as $$
declare
  v_ids text[];
  x mcp_data.connections;
  v_count integer := 0;
begin
  v_ids := array(
    select c.connection_id from mcp_data.connections c
    where c.account_id = p_account_id and c.revoked_at is null and case p_extent
      when 'one' then c.connection_id = p_connection.connection_id
      when 'client' then c.client_id_digest = p_connection.client_id_digest
      when 'server' then c.resource = p_connection.resource
      else p_extent = 'all' end
    order by c.connection_id for update);
  for x in
    update mcp_data.connections c set revoked_at = now(), revoked_reason = p_reason, successor_ciphertext = null
    where c.connection_id = any(v_ids) and c.revoked_at is null returning c.*
  loop
    perform mcp_data.add_event('connection.revoked', p_reason, x.account_id, x.client_id, x.server_id, x.connection_id, null, p_request);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

-- Signs a person out (SECURITY §9; B9): of `one` other session, of all `others`, or of `all`. More than one means that somebody may
-- have been where they should not: then no device counts as known any more (C7, C18).
-- outcomes: ended {count} · not_found · sign_in
create or replace function mcp.end_own_sessions(p_session_digests bytea[], p_session_idle_seconds integer, p_session_id uuid,
  p_extent text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_session_id uuid;
  v_count integer := 0;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  -- Locked in one order; of two that end each other's session at once, the second finds its own ended.
  perform from mcp_data.sessions s where s.account_id = v_person.account_id and s.ended_at is null order by s.session_id for update;
  if not exists (select from mcp_data.sessions s where s.session_id = v_person.session_id and s.ended_at is null) then
    return jsonb_build_object('outcome', 'sign_in');
  end if;
  for v_session_id in
    update mcp_data.sessions s set ended_at = now()
    where s.account_id = v_person.account_id and s.ended_at is null and s.expires_at > now() and case p_extent
      when 'one' then s.session_id = p_session_id
      when 'others' then s.session_id <> v_person.session_id
      else p_extent = 'all' end
    returning s.session_id
  loop
    perform mcp_data.add_event('session.ended', case p_extent when 'one' then 'ended_elsewhere' else 'signed_out_everywhere' end,
      v_person.account_id, null, null, null, null, p_request);
    v_count := v_count + 1;
  end loop;
  if p_extent = 'one' and v_count = 0 then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if p_extent <> 'one' then
    update mcp_data.accounts set devices_forgotten_at = now() where account_id = v_person.account_id;
  end if;
  return jsonb_build_object('outcome', 'ended', 'count', v_count);
end $$;
grant execute on function mcp.end_own_sessions(bytea[], integer, uuid, text, jsonb) to mcp_worker;

-- Deletes a server (J25): its keys, management tokens and connections die at once, its row stays as a tombstone. Internal. False:
-- there is none, or it is deleted already.
create or replace function mcp_data.end_server(p_server_id text, p_account_id uuid, p_request jsonb) returns boolean
language plpgsql set search_path = '' as $$
begin
  update mcp_data.servers s set status = 'deleted', deleted_at = now() where s.server_id = p_server_id and s.status <> 'deleted';
  if not found then
    return false;
  end if;
  update mcp_data.management_tokens set revoked_at = now() where server_id = p_server_id and revoked_at is null;
  update mcp_data.server_keys set revoked_at = now() where server_id = p_server_id and revoked_at is null;
  update mcp_data.connections set revoked_at = now(), revoked_reason = 'server_deleted', successor_ciphertext = null
  where server_id = p_server_id and revoked_at is null;
  -- One event says it for all connections: their number is not bounded.
  perform mcp_data.add_event('server.suspended', 'server_deleted', p_account_id, null, p_server_id, null, null, p_request);
  return true;
end $$;

-- Where a page of events ends: its moment in microseconds, and its id. Internal.
create or replace function mcp_data.event_cursor(p_event mcp_data.audit_events) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return floor(extract(epoch from p_event.occurred_at) * 1000000)::bigint || '.' || p_event.event_id;
end $$;

-- Redeems an authorization code (OAuth 2.1 §4.1.3, RFC 7636 §4.6; F1-F10, F26-F28). Who presents it, with what, is proven
-- before its use is looked at: so a stranger neither burns a code nor kills its tokens, and a proven second use does kill them.
-- `p_client` says how the client authenticated; the jti of its assertion is used up before anything else is looked at.
-- outcomes: assertion_replayed · exchanged {connection} · code_unknown · client_mismatch · redirect_uri_mismatch · verifier_mismatch · code_replayed {notice?} ·
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
    return jsonb_strip_nulls(jsonb_build_object('outcome', v_refusal,
      'notice', case when v_refusal = 'code_replayed' and c.revoked_at is null then mcp_data.theft_notice(c) end));
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

-- The audit log of a span of time, oldest first, for operators to keep elsewhere (SECURITY §28). `p_after` is the `next` of the page
-- before.
-- outcomes: exported {events, next?}
create or replace function mcp.export_events(p_from timestamptz, p_to timestamptz, p_after text, p_limit integer) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_events jsonb;
  v_next text;
begin
  select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(x.e)) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.event_cursor(x.e)) filter (where x.place = p_limit and x.count > p_limit)
  into v_events, v_next
  from (
    select y.e, row_number() over (order by (y.e).occurred_at, (y.e).event_id) as place, count(*) over () as count
    from (select e from mcp_data.audit_events e
      where e.occurred_at >= p_from and e.occurred_at < p_to
        and (p_after is null or (e.occurred_at, e.event_id) > (mcp_data.cursor_moment(p_after), split_part(p_after, '.', 2)::uuid))
      order by e.occurred_at, e.event_id limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'exported', 'events', v_events, 'next', v_next));
end $$;
grant execute on function mcp.export_events(timestamptz, timestamptz, text, integer) to mcp_worker;

-- Everything that is kept about a person, for the person: account, servers, sessions, connections, and the newest 5000 events.
-- outcomes: exported {account, servers, sessions, connections, events} · sign_in
create or replace function mcp.export_own_account(p_session_digests bytea[], p_session_idle_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  a mcp_data.accounts;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select * into a from mcp_data.accounts x where x.account_id = v_person.account_id;
  return jsonb_build_object('outcome', 'exported',
    'account', jsonb_strip_nulls(jsonb_build_object('account_id', a.account_id, 'email', a.email, 'name', a.name, 'language', a.language,
      'created_at', a.created_at, 'email_verified_at', a.email_verified_at)),
    'servers', (select coalesce(jsonb_agg(mcp_data.describe_server(s) order by s.created_at), '[]') from mcp_data.servers s
      where s.owner_account_id = a.account_id and s.status <> 'deleted'),
    'sessions', (select coalesce(jsonb_agg(mcp_data.describe_session(s, v_person.session_id) || jsonb_build_object('ip', s.ip, 'ended_at', s.ended_at)
      order by s.created_at), '[]') from mcp_data.sessions s where s.account_id = a.account_id),
    'connections', (select coalesce(jsonb_agg(mcp_data.describe_own_connection(c)
      || jsonb_build_object('revoked_at', c.revoked_at, 'revoked_reason', c.revoked_reason) order by c.created_at), '[]')
      from mcp_data.connections c where c.account_id = a.account_id),
    'events', (select coalesce(jsonb_agg(mcp_data.describe_own_event(x.e) order by (x.e).occurred_at), '[]')
      from (select e from mcp_data.audit_events e where e.account_id = a.account_id order by e.occurred_at desc limit 5000) x));
end $$;
grant execute on function mcp.export_own_account(bytea[], integer) to mcp_worker;

-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands.
-- Both are told: by events, and by mail where an account owns them.
-- outcomes: verified {server} · taken_over {server, from, owner?, former_owner?} · holder_stands · not_found
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
    'owner', mcp_data.addressee(s.owner_account_id), 'former_owner', mcp_data.addressee(v_holder.owner_account_id)));
end $$;
grant execute on function mcp.finish_verification(text, text, jsonb) to mcp_worker;

-- Whom to tell that a program was connected for the first time by this person, and to which host; null when the same client has
-- been connected before. Internal.
create or replace function mcp_data.first_connection_notice(p_transaction mcp_data.transactions, p_email text, p_connection_id text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  if exists (select from mcp_data.connections c
    where c.account_id = p_transaction.account_id and c.connection_id <> p_connection_id
      and c.client_id_digest = sha256(convert_to(p_transaction.client_id, 'UTF8'))) then
    return null;
  end if;
  return jsonb_strip_nulls(jsonb_build_object('email', p_email, 'kind', p_transaction.resource_kind,
    'server_host', (select substring(s.server_origin from '//(.*)$') from mcp_data.servers s where s.server_id = p_transaction.server_id)));
end $$;

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
  if r.last_used_at is null or r.last_used_at < now() - interval '1 minute' then
    update mcp_data.connections set last_used_at = now() where connection_id = p_connection_id;
  end if;
  return jsonb_build_object('outcome', 'active', 'sub', r.account_id, 'client_id', r.client_id, 'aud', r.resource,
    'server_id', k.server_id, 'auth_time_seconds', floor(extract(epoch from r.auth_time))::bigint,
    'scopes', to_jsonb(mcp_data.effective_scopes(r.scopes, r.resource_kind, k.scope_names, coalesce(p_scope, '{}'))))
    || case when k.share_email and r.email_shared then jsonb_build_object('username', r.email, 'email', r.email, 'email_verified', true) else '{}' end;
end $$;
grant execute on function mcp.introspect_token(text, bytea[], text, text, text, integer, bigint, text[], jsonb) to mcp_worker;

-- Writes the row of a transaction. One browser holds a bounded number of open ones; the oldest makes room. Internal.
-- (Plans are kept by a session from its first calls on: one made for an empty table must not read a full one through.)
create or replace function mcp_data.keep_transaction(p_transaction mcp_data.transactions, p_browser_digests bytea[], p_max_open integer) returns void
language plpgsql set search_path = '' set enable_seqscan = off as $$
begin
  -- An array, because a sub-select may be planned as a join that reads the whole table.
  delete from mcp_data.transactions o where o.transaction_id = any(array(
    select x.transaction_id from mcp_data.transactions x
    where x.browser_digest = any(p_browser_digests || p_transaction.browser_digest) and x.decided_at is null
    order by x.created_at desc offset greatest(p_max_open, 1) - 1));
  insert into mcp_data.transactions select p_transaction.*;
end $$;

-- The id of a device on which this person has signed in before, or null (C7, C18). Internal. The Worker has checked the
-- signature; what was signed before the person signed out everywhere is worth nothing.
create or replace function mcp_data.known_device(p_email text, p_device jsonb) returns text
language plpgsql stable set search_path = '' as $$
begin
  return (
    select p_device->>'device_id' from mcp_data.accounts a
    where a.email = p_email and p_device->>'device_id' is not null
      and to_timestamp((p_device->>'signed_at_seconds')::bigint) >= coalesce(a.devices_forgotten_at, '-infinity'));
end $$;

-- A person's connections, the last used first (HTTP-API "Pages"; B31). `p_after` is the `next` of the page before.
-- outcomes: found {email, connections, next?} · sign_in
create or replace function mcp.list_own_connections(p_session_digests bytea[], p_session_idle_seconds integer, p_after text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_connections jsonb;
  v_next text;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_own_connection(x.c) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(x.used || '.' || (x.c).connection_id) filter (where x.place = p_limit and x.count > p_limit)
  into v_connections, v_next
  from (
    select c, u.used, row_number() over (order by u.used desc, (c).connection_id) as place, count(*) over () as count
    from mcp_data.live_connections(v_person.account_id) c
    cross join lateral (select floor(extract(epoch from coalesce(c.last_used_at, c.created_at)) * 1000000)::bigint as used) u
    where p_after is null or u.used < split_part(p_after, '.', 1)::bigint
      or (u.used = split_part(p_after, '.', 1)::bigint and c.connection_id > split_part(p_after, '.', 2))
  ) x where x.place <= p_limit;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'email', v_person.email, 'connections', v_connections, 'next', v_next));
end $$;
grant execute on function mcp.list_own_connections(bytea[], integer, text, integer) to mcp_worker;

-- What happened to a person's account, newest first (SECURITY §28). `p_before` is the `next` of the page before.
-- outcomes: found {email, events, next?} · sign_in
create or replace function mcp.list_own_events(p_session_digests bytea[], p_session_idle_seconds integer, p_before text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_events jsonb;
  v_next text;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_own_event(x.e) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.event_cursor(x.e)) filter (where x.place = p_limit and x.count > p_limit)
  into v_events, v_next
  from (
    select y.e, row_number() over (order by (y.e).occurred_at desc, (y.e).event_id desc) as place, count(*) over () as count
    from (select e from mcp_data.audit_events e
      where e.account_id = v_person.account_id
        and (p_before is null or (e.occurred_at, e.event_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)::uuid))
      order by e.occurred_at desc, e.event_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'email', v_person.email, 'events', v_events, 'next', v_next));
end $$;
grant execute on function mcp.list_own_events(bytea[], integer, text, integer) to mcp_worker;

-- A person's live sessions, the last used first (SECURITY §9); the caller's own is `current`.
-- outcomes: found {email, sessions} · sign_in
create or replace function mcp.list_own_sessions(p_session_digests bytea[], p_session_idle_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  return jsonb_build_object('outcome', 'found', 'email', v_person.email, 'sessions', (
    select coalesce(jsonb_agg(mcp_data.describe_session(s, v_person.session_id) order by s.last_used_at desc, s.session_id), '[]')
    from (select * from mcp_data.sessions x
      where x.account_id = v_person.account_id and x.ended_at is null and x.expires_at > now()
        and x.last_used_at > now() - make_interval(secs => p_session_idle_seconds)
      order by x.last_used_at desc limit 100) s));
end $$;
grant execute on function mcp.list_own_sessions(bytea[], integer) to mcp_worker;

-- The connections of a person that are worth something now: redeemed, not ended, and with a token that can still be used. Internal.
-- Without refresh tokens that is as long as an access token lives, an hour at most.
create or replace function mcp_data.live_connections(p_account_id uuid) returns setof mcp_data.connections
language plpgsql stable set search_path = '' as $$
begin
  return query
  select c.* from mcp_data.connections c cross join mcp_data.settings e
  where c.account_id = p_account_id and c.revoked_at is null and c.issuer_epoch = e.issuer_epoch
    and (c.can_refresh or c.code_redeemed_at > now() - interval '1 hour')
    and c.code_redeemed_at is not null and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now();
end $$;

-- Takes scopes away from a connection at once (B31, B32): the next introspection answers without them, and no refresh brings them
-- back. What the server requires stays, and so does identity; with no scope of the server left the connection ends.
-- outcomes: narrowed {scopes} · revoked · scope_not_granted · not_found · sign_in
create or replace function mcp.narrow_own_connection(p_session_digests bytea[], p_session_idle_seconds integer, p_connection_id text,
  p_scopes text[], p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  c mcp_data.connections;
  v_catalogue jsonb;
  v_kept text[];
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select * into c from mcp_data.connections x
  where x.connection_id = p_connection_id and x.account_id = v_person.account_id and x.revoked_at is null for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if not coalesce(p_scopes, '{}') <@ c.scopes then
    return jsonb_build_object('outcome', 'scope_not_granted');
  end if;
  v_catalogue := case c.resource_kind when 'management' then mcp_data.management_scopes()
    else (select s.scopes from mcp_data.servers s where s.server_id = c.server_id) end;
  v_kept := array(
    select g.scope from unnest(c.scopes) with ordinality as g (scope, place)
    where g.scope = any(p_scopes) or g.scope = any(mcp_data.identity_scopes()) or exists (
      select from jsonb_array_elements(v_catalogue) e where e->>'name' = g.scope and coalesce((e->>'required')::boolean, false))
    order by g.place);
  if c.resource_kind <> 'identity' and not c.scopes <@ mcp_data.identity_scopes() and v_kept <@ mcp_data.identity_scopes() then
    perform mcp_data.revoke_connection(c, 'person', p_request);
    return jsonb_build_object('outcome', 'revoked');
  end if;
  if v_kept <> c.scopes then
    update mcp_data.connections set scopes = v_kept where connection_id = p_connection_id;
    perform mcp_data.add_event('consent.narrowed', 'person', c.account_id, c.client_id, c.server_id, p_connection_id,
      jsonb_build_object('before', c.scopes, 'scopes', v_kept), p_request);
  end if;
  return jsonb_build_object('outcome', 'narrowed', 'scopes', to_jsonb(v_kept));
end $$;
grant execute on function mcp.narrow_own_connection(bytea[], integer, text, text[], jsonb) to mcp_worker;

-- Begins a sign-in for one of our own pages (SECURITY §8, §9). A session is enough unless it has to be fresh: then it must have
-- begun at most p_fresh_seconds ago.
-- outcomes: signed_in · page_sign_in {transaction}
create or replace function mcp.open_sign_in(p_transaction_id text, p_browser_digests bytea[], p_browser_digest bytea, p_kid text,
  p_session_digests bytea[], p_page text, p_fresh_seconds integer, p_lifetimes jsonb, p_max_open_transactions integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_session record;
  t mcp_data.transactions;
begin
  v_session := mcp_data.session_of(p_session_digests, (p_lifetimes->>'session_idle_seconds')::integer);
  t.minimum_auth_time := now() - make_interval(secs => p_fresh_seconds);
  if v_session.session_id is not null and coalesce(v_session.auth_time >= t.minimum_auth_time, true) then
    perform mcp_data.renew_session_digest(v_session.session_id, p_session_digests[1], p_kid);
    return jsonb_build_object('outcome', 'signed_in');
  end if;
  t.transaction_id := p_transaction_id;
  t.browser_digest := p_browser_digest;
  t.browser_kid := p_kid;
  t.created_at := now();
  t.expires_at := now() + make_interval(secs => (p_lifetimes->>'transaction_seconds')::integer);
  t.page := p_page;
  perform mcp_data.keep_transaction(t, p_browser_digests, p_max_open_transactions);
  return jsonb_build_object('outcome', 'page_sign_in',
    'transaction', mcp_data.show_page_transaction(t, v_session.email));
end $$;
grant execute on function mcp.open_sign_in(text, bytea[], bytea, text, bytea[], text, integer, jsonb, integer) to mcp_worker;

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
        v_session.auth_method, v_consented_at, p_connection_id, p_code_digest, p_kid, p_lifetimes, p_request);
    end if;
  end if;
  if not 'none' = any(v_prompt) then
    perform mcp_data.keep_transaction(t, p_browser_digests, p_max_open_transactions);
  end if;
  return jsonb_build_object('outcome', case when v_session.session_id is null then 'sign_in' else 'consent' end,
    'transaction', case when v_session.session_id is null then mcp_data.show_transaction(t, null, null, null)
      else mcp_data.show_transaction(t, v_session.account_id, v_session.email, v_session.auth_time) end);
end $$;
grant execute on function mcp.open_transaction(text, bytea[], bytea, text, bytea[], jsonb, jsonb, text, bytea, jsonb, integer, jsonb) to mcp_worker;

-- Who uses one of our own pages: the person behind a session's cookie (SECURITY §9). Internal. The refusal is a whole answer:
-- sign_in for nobody, not_fresh for a sign-in that is too old for a dangerous act (J22; p_fresh_seconds null: any is enough).
create or replace function mcp_data.person_of(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  out session_id uuid, out account_id uuid, out email text, out refusal jsonb)
language plpgsql set search_path = '' as $$
declare
  v_session record;
begin
  v_session := mcp_data.session_of(p_session_digests, p_session_idle_seconds);
  session_id := v_session.session_id;
  account_id := v_session.account_id;
  email := v_session.email;
  refusal := case
    when session_id is null then jsonb_build_object('outcome', 'sign_in')
    when v_session.auth_time < now() - make_interval(secs => p_fresh_seconds) then jsonb_build_object('outcome', 'not_fresh') end;
end $$;

-- One connection of a person, with what its scopes mean and how many others the same client and the same server have (B31).
-- outcomes: found {email, connection, catalogue, of_client, of_server, of_all} · not_found · sign_in
create or replace function mcp.read_own_connection(p_session_digests bytea[], p_session_idle_seconds integer, p_connection_id text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  c mcp_data.connections;
  v_catalogue jsonb;
  v_of_client integer;
  v_of_server integer;
  v_of_all integer;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select * into c from mcp_data.live_connections(v_person.account_id) l where l.connection_id = p_connection_id;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  v_catalogue := case c.resource_kind when 'management' then mcp_data.management_scopes()
    else (select s.scopes from mcp_data.servers s where s.server_id = c.server_id) end;
  select count(*) filter (where l.client_id_digest = c.client_id_digest), count(*) filter (where l.resource = c.resource), count(*)
  into v_of_client, v_of_server, v_of_all from mcp_data.live_connections(v_person.account_id) l;
  return jsonb_build_object('outcome', 'found', 'email', v_person.email, 'connection', mcp_data.describe_own_connection(c),
    'catalogue', mcp_data.requested_catalogue(coalesce(v_catalogue, '[]'), c.scopes),
    'of_client', v_of_client, 'of_server', v_of_server, 'of_all', v_of_all);
end $$;
grant execute on function mcp.read_own_connection(bytea[], integer, text) to mcp_worker;

-- Who is signed in, and whether freshly enough where that is asked for (SECURITY §9, J22): for pages that show nothing else.
-- outcomes: found {email} · not_fresh · sign_in
create or replace function mcp.read_person(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  return coalesce(v_person.refusal, jsonb_build_object('outcome', 'found', 'email', v_person.email));
end $$;
grant execute on function mcp.read_person(bytea[], integer, integer) to mcp_worker;

-- What to show for a transaction now (SECURITY §8). Showing the consent page binds the transaction to the account on it.
-- outcomes: sign_in {transaction, email_code_sent, email?, attempts_left?} · consent {the same} · page_sign_in {the same} ·
--   page {page} · transaction_gone {reason}
create or replace function mcp.read_transaction(p_transaction_id text, p_browser_digests bytea[], p_session_digests bytea[],
  p_session_idle_seconds integer, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  c mcp_data.email_challenges;
  v_session record;
  v_answer jsonb;
begin
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id;
  v_answer := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_answer is not null then
    return v_answer;
  end if;
  select * into c from mcp_data.email_challenges where transaction_id = p_transaction_id and expires_at > now();
  v_answer := jsonb_strip_nulls(jsonb_build_object('email_code_sent', c.transaction_id is not null, 'email', c.email,
    'attempts_left', c.attempts_allowed - c.attempts));
  v_session := mcp_data.session_of(p_session_digests, p_session_idle_seconds);
  if t.page is not null then
    if v_session.session_id is not null and coalesce(v_session.auth_time >= t.minimum_auth_time, true) then
      return jsonb_build_object('outcome', 'page', 'page', t.page);
    end if;
    return v_answer || jsonb_build_object('outcome', 'page_sign_in', 'transaction', mcp_data.show_page_transaction(t, v_session.email));
  end if;
  if v_session.session_id is null or v_session.auth_time < t.minimum_auth_time then
    return v_answer || jsonb_build_object('outcome', 'sign_in', 'transaction', mcp_data.show_transaction(t, null, null, null));
  end if;
  if t.account_id is distinct from v_session.account_id then
    update mcp_data.transactions set account_id = v_session.account_id
    where transaction_id = p_transaction_id and decided_at is null;
  end if;
  return v_answer || jsonb_build_object('outcome', 'consent',
    'transaction', mcp_data.show_transaction(t, v_session.account_id, v_session.email, v_session.auth_time));
end $$;
grant execute on function mcp.read_transaction(text, bytea[], bytea[], integer, jsonb) to mcp_worker;

-- Writes that a caller of the management API whose credential is good was refused (SECURITY §28): a scope was missing, or what was
-- asked for is not the caller's. At most ten a minute and caller, so that a flood writes little.
-- outcomes: recorded · limited
create or replace function mcp.record_denial(p_caller jsonb, p_reason text, p_asked text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  c mcp_data.connections;
  v_server_id text;
begin
  select * into c from mcp_data.connections x where x.connection_id = p_caller->>'connection_id';
  select m.server_id into v_server_id from mcp_data.management_tokens m where m.public_part = p_caller->>'public_part';
  if mcp_data.take_limit('management_denied', coalesce(c.connection_id, v_server_id, ''), array[60], array[10]) > 0 then
    return jsonb_build_object('outcome', 'limited');
  end if;
  perform mcp_data.add_event('management.denied', p_reason, c.account_id, c.client_id, v_server_id, c.connection_id,
    jsonb_strip_nulls(jsonb_build_object('asked', left(p_asked, 100))), p_request);
  return jsonb_build_object('outcome', 'recorded');
end $$;
grant execute on function mcp.record_denial(jsonb, text, text, jsonb) to mcp_worker;

-- Ends connections of a person, effective at the next introspection (B31): `one`, all of the same `client`, all at the same
-- `server`, or `all` (then no connection is named). Codes that are not redeemed yet end too, so that nothing comes back.
-- outcomes: revoked {count} · not_found · sign_in
create or replace function mcp.revoke_own_connections(p_session_digests bytea[], p_session_idle_seconds integer, p_connection_id text,
  p_extent text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  c mcp_data.connections;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  if p_extent <> 'all' then
    select * into c from mcp_data.connections x where x.connection_id = p_connection_id and x.account_id = v_person.account_id;
    if not found then
      return jsonb_build_object('outcome', 'not_found');
    end if;
  end if;
  return jsonb_build_object('outcome', 'revoked', 'count', mcp_data.end_connections(v_person.account_id, c, p_extent, 'person', p_request));
end $$;
grant execute on function mcp.revoke_own_connections(bytea[], integer, text, text, jsonb) to mcp_worker;

-- Uses a refresh token (SECURITY §18-20, OAuth 2.1 §4.3.1; G1-G16). The current one rotates; its immediate predecessor gets
-- the same successor again while that is unused, within the retry window; any other token that was once valid ends the
-- connection; an invented one changes nothing.
-- `p_client` says how the client authenticated; the jti of its assertion is used up before anything else is looked at.
-- outcomes: assertion_replayed · rotated {connection} · retried {connection, successor_ciphertext} · refresh_reused {notice} · refresh_unknown · refresh_expired ·
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
    return jsonb_build_object('outcome', v_refusal, 'notice', mcp_data.theft_notice(c));
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

-- Stores a one-time code for a transaction before it is mailed (SECURITY §15, §16; C2, C18, C19, C20). The newest replaces the
-- older one; no account is made. A limit that is reached gives the same page and no mail.
-- outcomes: sent {email, expires_at_seconds, server_host?} · suppressed {email} · transaction_gone {reason}
create or replace function mcp.send_email_code(p_transaction_id text, p_browser_digests bytea[], p_email text, p_code_digest bytea, p_kid text,
  p_limits jsonb, p_device jsonb default null, p_ip text default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  v_gone jsonb;
  v_limit text;
  v_account_id uuid := (select a.account_id from mcp_data.accounts a where a.email = p_email);
  v_device_id text := mcp_data.known_device(p_email, p_device);
  v_subject text := mcp_data.code_subject(p_email, v_device_id);
begin
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  end if;
  if p_ip is not null and p_limits->>'per_ip_hour' is not null
    and mcp_data.take_limit('code_ip', p_ip, array[3600], array[(p_limits->>'per_ip_hour')::integer]) > 0 then
    v_limit := 'per_ip_hour';
  elsif mcp_data.limit_is_reached('code_failed', v_subject, 86400, (p_limits->>'failures_per_account_day')::integer) then
    v_limit := 'failures_per_account_day';
  elsif mcp_data.take_limit('code_sent', v_subject, array[900, 86400],
    array[(p_limits->>'per_address_15_minutes')::integer, (p_limits->>'per_address_day')::integer]) > 0 then
    v_limit := 'per_address';
  end if;
  if v_limit is not null then
    perform mcp_data.add_event('limit.hit', v_limit, v_account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'suppressed', 'email', p_email);
  end if;
  insert into mcp_data.email_challenges as c (transaction_id, email, device_id, code_digest, code_kid, created_at, expires_at, attempts, attempts_allowed)
  values (p_transaction_id, p_email, v_device_id, p_code_digest, p_kid, now(),
    now() + make_interval(secs => (p_limits->>'code_seconds')::integer), 0, (p_limits->>'attempts')::integer)
  on conflict (transaction_id) do update set email = excluded.email, device_id = excluded.device_id, code_digest = excluded.code_digest,
    code_kid = excluded.code_kid, created_at = excluded.created_at, expires_at = excluded.expires_at,
    attempts = 0, attempts_allowed = excluded.attempts_allowed;
  perform mcp_data.add_event('code.sent', null, v_account_id, t.client_id, t.server_id, null, null, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'sent', 'email', p_email,
    'expires_at_seconds', floor(extract(epoch from now()))::bigint + (p_limits->>'code_seconds')::integer,
    'server_host', (select substring(s.server_origin from '//(.*)$') from mcp_data.servers s where s.server_id = t.server_id)));
end $$;
grant execute on function mcp.send_email_code(text, bytea[], text, bytea, text, jsonb, jsonb, text, jsonb) to mcp_worker;

-- What the sign-in page shows of a sign-in for one of our own pages. Internal. An e-mail: somebody is signed in, but not freshly
-- enough, and is asked again.
create or replace function mcp_data.show_page_transaction(p_transaction mcp_data.transactions, p_email text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('transaction_id', p_transaction.transaction_id, 'page', p_transaction.page,
    'email', p_email));
end $$;

-- The event of a client that was blocked (SECURITY §28, M12), whoever does it: the switches are rows, and operators turn them by
-- hand. Internal; a trigger.
create or replace function mcp_data.tell_of_blocked_client() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform mcp_data.add_event('client.blocked', to_jsonb(new)->>coalesce(tg_argv[0], 'reason'), null, to_jsonb(new)->>'client_id', null, null,
    jsonb_strip_nulls(jsonb_build_object('client_id_digest', to_jsonb(new)->>'client_id_digest')), null);
  return null;
end $$;

-- Whom to tell that a connection was ended because a copy of its credentials was used (SECURITY §19): address, language, and the host
-- of the server. Internal.
create or replace function mcp_data.theft_notice(p_connection mcp_data.connections) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return mcp_data.addressee(p_connection.account_id) || jsonb_strip_nulls(jsonb_build_object(
    'server_host', (select substring(s.server_origin from '//(.*)$') from mcp_data.servers s where s.server_id = p_connection.server_id)));
end $$;

-- Checks a one-time code and signs the person in (SECURITY §9, §15; B6, C1-C4, C11, C18). The attempt is counted before the
-- comparison, a right code is used up by it, the session of before ends, and the account is made only now.
-- outcomes: verified {account_id, email, auth_time_seconds, page?, devices_forgotten_at_seconds?} · wrong {attempts_left} · exhausted · expired · not_sent ·
--   limited · account_disabled · transaction_gone {reason}
create or replace function mcp.verify_email_code(p_transaction_id text, p_browser_digests bytea[], p_code_digests bytea[],
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_limits jsonb,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  c mcp_data.email_challenges;
  v_gone jsonb;
  v_account mcp_data.accounts;
begin
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  end if;
  update mcp_data.email_challenges e set attempts = e.attempts + 1
  where e.transaction_id = p_transaction_id and e.expires_at > now() and e.attempts < e.attempts_allowed
    and not mcp_data.limit_is_reached('code_failed', mcp_data.code_subject(e.email, e.device_id), 86400, (p_limits->>'failures_per_account_day')::integer)
  returning * into c;
  if not found then
    select * into c from mcp_data.email_challenges where transaction_id = p_transaction_id;
    return jsonb_build_object('outcome', case when not found then 'not_sent' when c.expires_at <= now() then 'expired'
      when c.attempts >= c.attempts_allowed then 'exhausted' else 'limited' end);
  end if;
  if not coalesce(c.code_digest = any(p_code_digests), false) then
    perform mcp_data.take_limit('code_failed', mcp_data.code_subject(c.email, c.device_id), array[86400],
      array[(p_limits->>'failures_per_account_day')::integer]);
    perform mcp_data.add_event('code.failed', null, (select a.account_id from mcp_data.accounts a where a.email = c.email),
      t.client_id, t.server_id, null, null, p_request);
    if c.attempts >= c.attempts_allowed then
      return jsonb_build_object('outcome', 'exhausted');
    end if;
    return jsonb_build_object('outcome', 'wrong', 'attempts_left', c.attempts_allowed - c.attempts);
  end if;
  delete from mcp_data.email_challenges where transaction_id = p_transaction_id;
  v_account := mcp_data.account_of_verified_email(c.email);
  if v_account.disabled_at is not null then
    perform mcp_data.add_event('authorization.failed', 'sign_in_disabled', v_account.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'account_disabled');
  end if;
  perform mcp_data.begin_session(v_account.account_id, 'email_code', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', v_account.account_id, 'email', v_account.email,
    'auth_time_seconds', floor(extract(epoch from now()))::bigint, 'page', t.page,
    'devices_forgotten_at_seconds', ceil(extract(epoch from v_account.devices_forgotten_at))::bigint));
end $$;
grant execute on function mcp.verify_email_code(text, bytea[], bytea[], bytea[], bytea, text, jsonb, jsonb, jsonb) to mcp_worker;

-- Whoever blocks a client, by whatever row, leaves an event (M12).
create trigger tell_of_blocked_client after insert on mcp_data.blocked_clients
  for each row execute function mcp_data.tell_of_blocked_client('reason');
create trigger tell_of_blocked_client after update of blocked_at on mcp_data.clients
  for each row when (old.blocked_at is null and new.blocked_at is not null)
  execute function mcp_data.tell_of_blocked_client('blocked_reason');

update mcp_data.settings set schema_version = '20261126120000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
