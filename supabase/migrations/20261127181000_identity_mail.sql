-- A person is told by mail of accounts elsewhere that are linked and unlinked (THREATS J22): the calls that do so say which.
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- It gives something now.
drop function mcp_data.link_identity(mcp_data.transactions, mcp_data.accounts, jsonb);

-- Links the account elsewhere that a transaction waits with, now that a code has proven the address it has there. Internal. A code
-- to another address links nothing, and what is linked already stays where it is. Gives the issuer of what was linked, or null.
create or replace function mcp_data.link_identity(p_transaction mcp_data.transactions, p_account mcp_data.accounts, p_request jsonb) returns text
language plpgsql set search_path = '' as $$
declare
  v_pending jsonb := p_transaction.pending_identity;
begin
  if v_pending is null or v_pending->>'email' <> p_account.email then
    return null;
  end if;
  insert into mcp_data.identities (issuer, subject, account_id, email, last_used_at)
  values (v_pending->>'issuer', v_pending->>'subject', p_account.account_id, v_pending->>'email', now())
  on conflict (issuer, subject) do nothing;
  if not found then
    return null;
  end if;
  perform mcp_data.add_event('identity.linked', null, p_account.account_id, p_transaction.client_id, p_transaction.server_id, null,
    jsonb_build_object('issuer', v_pending->>'issuer'), p_request);
  return v_pending->>'issuer';
end $$;

-- Checks a one-time code and signs the person in (SECURITY §9, §15; B6, C1-C4, C11, C18). The attempt is counted before the
-- comparison, a right code is used up by it, the session of before ends, and the account is made only now.
-- outcomes: verified {account_id, email, auth_time_seconds, page?, linked_issuer?, devices_forgotten_at_seconds?} · wrong {attempts_left} · exhausted · expired · not_sent ·
--   limited · account_disabled · switched_off · transaction_gone {reason}
create or replace function mcp.verify_email_code(p_transaction_id text, p_browser_digests bytea[], p_code_digests bytea[],
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_limits jsonb,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  c mcp_data.email_challenges;
  v_gone jsonb;
  v_refusal text;
  v_account mcp_data.accounts;
  v_linked_issuer text;
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  elsif not (select e.email_sign_in_is_on from mcp_data.settings e) then
    return jsonb_build_object('outcome', 'switched_off');
  end if;
  -- The challenge cannot change meanwhile: whoever sends or checks a code of this transaction holds its row.
  select * into c from mcp_data.email_challenges where transaction_id = p_transaction_id;
  v_refusal := case when not found then 'not_sent' when c.expires_at <= now() then 'expired'
    when c.attempts >= c.attempts_allowed then 'exhausted' end;
  -- The day's failure is taken before the comparison and given back after a right code: so many at once, each with a code of
  -- its own, wait for each other here, and no more are compared than may fail.
  if v_refusal is null and mcp_data.take_limit('code_failed', mcp_data.code_subject(c.email, c.device_id), array[86400],
    array[(p_limits->>'failures_per_account_day')::integer]) > 0 then
    v_refusal := 'limited';
  end if;
  if v_refusal is not null then
    return jsonb_build_object('outcome', v_refusal);
  end if;
  update mcp_data.email_challenges e set attempts = e.attempts + 1 where e.transaction_id = p_transaction_id returning * into c;
  if not coalesce(c.code_digest = any(p_code_digests), false) then
    perform mcp_data.add_event('code.failed', null, (select a.account_id from mcp_data.accounts a where a.email = c.email),
      t.client_id, t.server_id, null, null, p_request);
    if c.attempts >= c.attempts_allowed then
      return jsonb_build_object('outcome', 'exhausted');
    end if;
    return jsonb_build_object('outcome', 'wrong', 'attempts_left', c.attempts_allowed - c.attempts);
  end if;
  perform mcp_data.give_back_limit('code_failed', mcp_data.code_subject(c.email, c.device_id));
  delete from mcp_data.email_challenges where transaction_id = p_transaction_id;
  v_account := mcp_data.account_of_verified_email(c.email);
  if v_account.disabled_at is not null then
    perform mcp_data.add_event('authorization.failed', 'sign_in_disabled', v_account.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'account_disabled');
  end if;
  v_linked_issuer := mcp_data.link_identity(t, v_account, p_request);
  perform mcp_data.begin_session(v_account.account_id, 'email_code', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', v_account.account_id, 'email', v_account.email,
    'auth_time_seconds', floor(extract(epoch from now()))::bigint, 'page', t.page,
    'linked_issuer', v_linked_issuer, 'devices_forgotten_at_seconds', ceil(extract(epoch from v_account.devices_forgotten_at))::bigint));
end $$;
grant execute on function mcp.verify_email_code(text, bytea[], bytea[], bytea[], bytea, text, jsonb, jsonb, jsonb) to mcp_worker;

-- Unlinks an account elsewhere, after a fresh sign-in (THREATS J22); a code links it again.
-- outcomes: removed {email, issuer} · not_found · not_fresh · sign_in
create or replace function mcp.remove_identity(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_identity_id uuid, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_issuer text;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  delete from mcp_data.identities i where i.identity_id = p_identity_id and i.account_id = v_person.account_id returning i.issuer into v_issuer;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('identity.removed', null, v_person.account_id, null, null, null, jsonb_build_object('issuer', v_issuer), p_request);
  return jsonb_build_object('outcome', 'removed', 'email', v_person.email, 'issuer', v_issuer);
end $$;
grant execute on function mcp.remove_identity(bytea[], integer, integer, uuid, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261127181000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
