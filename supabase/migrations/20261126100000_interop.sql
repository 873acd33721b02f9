-- Dead ends explained: a transaction that cannot be approved any more says why, and what ends one that is known leaves an
-- event with the reference of its page (SECURITY §28).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- It gets one more argument, so the old one goes.
drop function mcp.read_transaction(text, bytea[], bytea[], integer);

-- Why a transaction may not be approved any more, or null when it may (A35, A36, F28): client, server and policy can have
-- changed while the person was reading. The reason is the one that the page names. Internal.
create or replace function mcp_data.approval_refusal(p_transaction mcp_data.transactions) returns text
language plpgsql stable set search_path = '' as $$
declare
  v_client_refusal text := (mcp_data.check_client(p_transaction.client)).refusal;
  s mcp_data.servers;
begin
  if v_client_refusal is not null or p_transaction.server_id is null then
    return v_client_refusal;
  end if;
  select * into s from mcp_data.servers where server_id = p_transaction.server_id
    and (status = 'verified' or (status = 'pending' and owner_account_id = p_transaction.account_id));
  if s.server_id is null then
    return 'resource_gone';
  end if;
  return case when not mcp_data.client_policy_allows(s.client_policy, p_transaction.client->>'kind') then 'client_not_allowed' end;
end $$;

-- As transaction_gone; and where a transaction of this browser has expired, an event, so that the reference on the page is
-- found there too (SECURITY §28): three at most for one transaction, because a page can be asked for again and again. Internal.
create or replace function mcp_data.refuse_transaction(p_transaction mcp_data.transactions, p_browser_digests bytea[], p_request jsonb)
returns jsonb
language plpgsql set search_path = '' as $$
declare
  t alias for p_transaction;
  v_gone jsonb := mcp_data.transaction_gone(p_transaction, p_browser_digests);
begin
  -- Not in one condition: null and x looks at x, and would count what has not expired.
  if v_gone->>'reason' = 'transaction_expired' then
    if mcp_data.take_limit('transaction_expired', t.transaction_id, array[3600], array[3]) = 0 then
      perform mcp_data.add_event('authorization.failed', 'transaction_expired', t.account_id, t.client_id, t.server_id, null, null, p_request);
    end if;
  end if;
  return v_gone;
end $$;

-- The person's decision (SECURITY §8, §11; A29, A30, B11). Exactly one wins: the transaction's row is locked first.
-- Approval makes the connection, which holds the code. Identity scopes that were asked for come with any approval, required
-- scopes too; with every scope of the server unticked the answer is no.
-- outcomes: approved {redirect_uri, state?, client, scopes} · denied {redirect_uri, state?, client} · transaction_gone {reason} ·
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
    p_connection_id, p_code_digest, p_kid, p_lifetimes);
end $$;
grant execute on function mcp.decide_consent(text, bytea[], bytea[], integer, text, text[], text, bytea, text, jsonb, jsonb) to mcp_worker;

-- Stores a one-time code for a transaction before it is mailed (SECURITY §15, §16; C2, C19, C20). The newest replaces the
-- older one; no account is made. A limit that is reached gives the same page and no mail.
-- outcomes: sent {email, expires_at_seconds, server_host?} · suppressed {email} · transaction_gone {reason}
create or replace function mcp.send_email_code(p_transaction_id text, p_browser_digests bytea[], p_email text, p_code_digest bytea, p_kid text,
  p_limits jsonb, p_ip text default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  v_gone jsonb;
  v_limit text;
begin
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  end if;
  if p_ip is not null and p_limits->>'per_ip_hour' is not null
    and mcp_data.take_limit('code_ip', p_ip, array[3600], array[(p_limits->>'per_ip_hour')::integer]) > 0 then
    v_limit := 'per_ip_hour';
  elsif mcp_data.limit_is_reached('code_failed', p_email, 86400, (p_limits->>'failures_per_account_day')::integer) then
    v_limit := 'failures_per_account_day';
  elsif mcp_data.take_limit('code_sent', p_email, array[900, 86400],
    array[(p_limits->>'per_address_15_minutes')::integer, (p_limits->>'per_address_day')::integer]) > 0 then
    v_limit := 'per_address';
  end if;
  if v_limit is not null then
    perform mcp_data.add_event('limit.hit', v_limit, null, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'suppressed', 'email', p_email);
  end if;
  insert into mcp_data.email_challenges as c (transaction_id, email, code_digest, code_kid, created_at, expires_at, attempts, attempts_allowed)
  values (p_transaction_id, p_email, p_code_digest, p_kid, now(),
    now() + make_interval(secs => (p_limits->>'code_seconds')::integer), 0, (p_limits->>'attempts')::integer)
  on conflict (transaction_id) do update set email = excluded.email, code_digest = excluded.code_digest,
    code_kid = excluded.code_kid, created_at = excluded.created_at, expires_at = excluded.expires_at,
    attempts = 0, attempts_allowed = excluded.attempts_allowed;
  perform mcp_data.add_event('code.sent', null, null, t.client_id, t.server_id, null, null, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'sent', 'email', p_email,
    'expires_at_seconds', floor(extract(epoch from now()))::bigint + (p_limits->>'code_seconds')::integer,
    'server_host', (select substring(s.server_origin from '//(.*)$') from mcp_data.servers s where s.server_id = t.server_id)));
end $$;
grant execute on function mcp.send_email_code(text, bytea[], text, bytea, text, jsonb, text, jsonb) to mcp_worker;

-- Checks a one-time code and signs the person in (SECURITY §9, §15; B6, C1-C4, C11). The attempt is counted before the
-- comparison, a right code is used up by it, the session of before ends, and the account is made only now.
-- outcomes: verified {account_id, email, auth_time_seconds} · wrong {attempts_left} · exhausted · expired · not_sent ·
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
    and not mcp_data.limit_is_reached('code_failed', e.email, 86400, (p_limits->>'failures_per_account_day')::integer)
  returning * into c;
  if not found then
    select * into c from mcp_data.email_challenges where transaction_id = p_transaction_id;
    return jsonb_build_object('outcome', case when not found then 'not_sent' when c.expires_at <= now() then 'expired'
      when c.attempts >= c.attempts_allowed then 'exhausted' else 'limited' end);
  end if;
  if not coalesce(c.code_digest = any(p_code_digests), false) then
    perform mcp_data.take_limit('code_failed', c.email, array[86400], array[(p_limits->>'failures_per_account_day')::integer]);
    perform mcp_data.add_event('code.failed', null, null, t.client_id, t.server_id, null, null, p_request);
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
  update mcp_data.sessions set ended_at = now() where session_digest = any(p_old_session_digests) and ended_at is null;
  if found then
    perform mcp_data.add_event('session.ended', 'replaced', null, t.client_id, t.server_id, null, null, p_request);
  end if;
  insert into mcp_data.sessions (session_digest, session_kid, account_id, auth_time, auth_method, expires_at, ip, user_agent)
  values (p_session_digest, p_kid, v_account.account_id, now(), 'email_code',
    now() + make_interval(secs => (p_lifetimes->>'session_absolute_seconds')::integer),
    left(p_request->>'ip', 64), left(p_request->>'user_agent', 400));
  update mcp_data.transactions set account_id = v_account.account_id where transaction_id = p_transaction_id;
  perform mcp_data.add_event('session.created', 'email_code', v_account.account_id, t.client_id, t.server_id, null, null, p_request);
  return jsonb_build_object('outcome', 'verified', 'account_id', v_account.account_id, 'email', v_account.email,
    'auth_time_seconds', floor(extract(epoch from now()))::bigint);
end $$;
grant execute on function mcp.verify_email_code(text, bytea[], bytea[], bytea[], bytea, text, jsonb, jsonb, jsonb) to mcp_worker;

-- What to show for a transaction now (SECURITY §8). Showing the consent page binds the transaction to the account on it.
-- outcomes: sign_in {transaction, email_code_sent, email?, attempts_left?} · consent {the same} · transaction_gone {reason}
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

-- approval_refusal asks this now, and says the reason.
drop function mcp_data.resource_is_alive(mcp_data.transactions);

update mcp_data.settings set schema_version = '20261126100000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
