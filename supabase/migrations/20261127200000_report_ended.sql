-- Whoever waits for the removal of lost passkeys is told when somebody ends that (THREATS J22, C7): the answers say that they ended it.
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Keeps a passkey that the Worker has verified (WebAuthn Level 3 §7.1, steps 26 and 27). The challenge is used up first: it is the
-- session's newest, or nothing is kept. A credential belongs to one account for good. Where there is a passkey, a fresh sign-in with it
-- is asked for; the first one can be taken away with a code for p_wait_seconds, in case the code was a phisher's.
-- outcomes: added {email, settles_at_seconds?, report_ended?} · challenge_gone · already_known · full · not_fresh {by?} · sign_in
create or replace function mcp.add_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_challenge_digests bytea[], p_passkey jsonb, p_maximum integer, p_request jsonb default null,
  p_wait_seconds integer default 259200) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_settles_at timestamptz;
  v_report_ended boolean;
begin
  v_person := mcp_data.passkey_keeper_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds, 'any');
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  update mcp_data.sessions s set passkey_challenge_digest = null
  where s.session_id = v_person.session_id and s.passkey_challenge_digest = any(p_challenge_digests);
  if not found then
    return jsonb_build_object('outcome', 'challenge_gone');
  end if;
  -- The account is locked: two at once are counted one after the other.
  if p_maximum <= (select count(*) from mcp_data.passkeys p where p.account_id = v_person.account_id) then
    return jsonb_build_object('outcome', 'full');
  end if;
  select coalesce(min(p.settles_at), now() + make_interval(secs => p_wait_seconds)) into v_settles_at
  from mcp_data.passkeys p where p.account_id = v_person.account_id;
  insert into mcp_data.passkeys (passkey_id, account_id, credential_id, public_key, sign_count, transports, is_backup_eligible, is_backed_up, name,
    settles_at)
  values (p_passkey->>'passkey_id', v_person.account_id, p_passkey->>'credential_id', (p_passkey->>'public_key')::bytea,
    (p_passkey->>'sign_count')::bigint, mcp_data.text_array(p_passkey->'transports'), (p_passkey->>'backup_eligible')::boolean,
    (p_passkey->>'backed_up')::boolean, p_passkey->>'name', v_settles_at)
  on conflict (credential_id) do nothing;
  if not found then
    return jsonb_build_object('outcome', 'already_known');
  end if;
  perform mcp_data.add_event('passkey.added', null, v_person.account_id, null, null, null, null, p_request);
  v_report_ended := mcp_data.end_lost_passkeys(v_person.account_id, 'passkey_added', p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'added', 'email', v_person.email,
    'settles_at_seconds', case when v_settles_at > now() then floor(extract(epoch from v_settles_at))::bigint end,
    'report_ended', nullif(v_report_ended, false)));
end $$;
grant execute on function mcp.add_passkey(bytea[], integer, integer, bytea[], jsonb, integer, jsonb, integer) to mcp_worker;

-- Forgets a passkey, after a fresh sign-in with one (THREATS J22); by any where the account's first passkey is so new that its person
-- may only now be reading that it was made. Who signed in with it stays signed in: sessions end on their own page.
-- outcomes: removed {email, report_ended?} · not_found · not_fresh {by?} · sign_in
create or replace function mcp.remove_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_passkey_id text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_report_ended boolean;
begin
  v_person := mcp_data.passkey_keeper_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds, 'settled');
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  delete from mcp_data.passkeys p where p.passkey_id = p_passkey_id and p.account_id = v_person.account_id;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('passkey.removed', null, v_person.account_id, null, null, null, null, p_request);
  v_report_ended := mcp_data.end_lost_passkeys(v_person.account_id, 'passkey_removed', p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'removed', 'email', v_person.email, 'report_ended', nullif(v_report_ended, false)));
end $$;
grant execute on function mcp.remove_passkey(bytea[], integer, integer, text, jsonb) to mcp_worker;

-- Signs a person in whose passkey has answered, or writes down that an answer was wrong (SECURITY §9; B6; WebAuthn Level 3 §7.2,
-- steps 22 to 24). p_proof is what the Worker verified, null with a reason when the answer was wrong. A counter that does not
-- grow is that of a copy, and is looked at once more under the lock: two answers of one moment are both told otherwise. Whoever has
-- said that the passkeys are lost was wrong, and is told; both are decided under the lock of the account.
-- outcomes: verified {account_id, email, page?, devices_forgotten_at_seconds?, report_ended?} · refused · passkey_unknown · account_disabled ·
--   transaction_gone {reason}
create or replace function mcp.verify_passkey(p_transaction_id text, p_browser_digests bytea[], p_passkey_id text, p_proof jsonb, p_reason text,
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  p mcp_data.passkeys;
  a mcp_data.accounts;
  v_gone jsonb;
  v_reason text := p_reason;
  v_report_ended boolean;
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  end if;
  -- Locked as by everything else: transaction, session, account.
  perform from mcp_data.sessions s where s.session_digest = any(p_old_session_digests) for no key update;
  perform from mcp_data.accounts x where x.account_id = (
    select k.account_id from mcp_data.passkeys k where k.passkey_id = p_passkey_id) for no key update;
  select * into p from mcp_data.passkeys x where x.passkey_id = p_passkey_id for update;
  if not found then
    return jsonb_build_object('outcome', 'passkey_unknown');
  end if;
  select * into strict a from mcp_data.accounts x where x.account_id = p.account_id;
  if p_proof is not null and greatest((p_proof->>'sign_count')::bigint, p.sign_count) > 0
    and (p_proof->>'sign_count')::bigint <= p.sign_count then
    v_reason := 'counter';
  end if;
  if p_proof is null or v_reason is not null then
    perform mcp_data.add_event('passkey.failed', v_reason, p.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'refused');
  end if;
  if a.disabled_at is not null then
    perform mcp_data.add_event('authorization.failed', 'sign_in_disabled', a.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'account_disabled');
  end if;
  update mcp_data.passkeys x set sign_count = (p_proof->>'sign_count')::bigint, last_used_at = now(),
    is_backed_up = x.is_backup_eligible and (p_proof->>'backed_up')::boolean
  where x.passkey_id = p_passkey_id;
  v_report_ended := mcp_data.end_lost_passkeys(a.account_id, 'passkey_used', p_request);
  perform mcp_data.begin_session(a.account_id, 'passkey', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', a.account_id, 'email', a.email, 'page', t.page,
    'devices_forgotten_at_seconds', ceil(extract(epoch from a.devices_forgotten_at))::bigint,
    'report_ended', nullif(v_report_ended, false)));
end $$;
grant execute on function mcp.verify_passkey(text, bytea[], text, jsonb, text, bytea[], bytea, text, jsonb, jsonb) to mcp_worker;

-- Ends what has been said of lost passkeys: they stay. Any session is enough, because it takes nothing away. Whoever waits for the
-- removal is told.
-- outcomes: kept {email} · none · sign_in
create or replace function mcp.keep_passkeys(p_session_digests bytea[], p_session_idle_seconds integer, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  perform from mcp_data.accounts a where a.account_id = v_person.account_id for no key update;
  if not mcp_data.end_lost_passkeys(v_person.account_id, 'kept', p_request) then
    return jsonb_build_object('outcome', 'none');
  end if;
  return jsonb_build_object('outcome', 'kept', 'email', v_person.email);
end $$;
grant execute on function mcp.keep_passkeys(bytea[], integer, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261127200000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
