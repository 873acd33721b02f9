-- Passkeys guard each other (SECURITY §16; THREATS J22, C7): a code that somebody was talked out of neither adds a passkey to an account
-- that has one, nor removes it. Whoever has lost all of them asks for their removal and waits.
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

alter table mcp_data.passkeys
  -- From when on nobody but a passkey removes it. The first of an account waits, so that whoever did not make it can still take it
  -- away with a code; those after it were made by a passkey, and have what the first has.
  add column settles_at timestamptz not null default now();
update mcp_data.passkeys p set settles_at = (
  select min(k.created_at) + interval '3 days' from mcp_data.passkeys k where k.account_id = p.account_id);

-- Whoever has said that all passkeys of an account are lost (SECURITY §16): one row an account. From removable_at on they can be
-- removed, and from lapses_at on that is forgotten: such a row counts as none.
create table mcp_data.lost_passkeys (
  account_id uuid not null constraint lost_passkeys_pkey primary key
    references mcp_data.accounts (account_id) on delete cascade,
  reported_at timestamptz not null default now(),
  removable_at timestamptz not null,
  lapses_at timestamptz not null,
  constraint lost_passkeys_wait_and_lapse check (reported_at < removable_at and removable_at < lapses_at)
);
alter table mcp_data.lost_passkeys enable row level security;
alter table mcp_data.lost_passkeys force row level security;
create policy owner_only on mcp_data.lost_passkeys to mcp_owner using (true) with check (true);

alter table mcp_data.transactions
  -- A sign-in for one of our own pages that no code is enough for.
  add column needs_passkey boolean not null default false;

-- They take one argument more, which can be left out.
drop function mcp.add_passkey(bytea[], integer, integer, bytea[], jsonb, integer, jsonb);
drop function mcp.open_sign_in(text, bytea[], bytea, text, bytea[], text, integer, jsonb, integer);

-- Who changes the passkeys of an account (THREATS J22, C7): as person_of, after a fresh sign-in, and by passkey where there is one to
-- guard: a code that somebody was talked out of neither adds one nor takes one away. Internal. p_guarded: 'any' passkey, or 'settled'
-- ones alone. Locked as a sign-in locks them, session and account: what is decided here holds until it is done.
create or replace function mcp_data.passkey_keeper_of(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_guarded text, out session_id uuid, out account_id uuid, out email text, out refusal jsonb)
language plpgsql set search_path = '' as $$
declare
  v_session record;
  v_is_fresh boolean;
begin
  v_session := mcp_data.session_of(p_session_digests, p_session_idle_seconds);
  perform from mcp_data.sessions s where s.session_id = v_session.session_id for no key update;
  perform from mcp_data.accounts a where a.account_id = v_session.account_id for no key update;
  if not found then
    refusal := jsonb_build_object('outcome', 'sign_in');
    return;
  end if;
  session_id := v_session.session_id;
  account_id := v_session.account_id;
  email := v_session.email;
  v_is_fresh := v_session.auth_time >= now() - make_interval(secs => p_fresh_seconds);
  refusal := case
    when not (v_is_fresh and v_session.auth_method = 'passkey') and exists (
      select from mcp_data.passkeys p where p.account_id = v_session.account_id and (p_guarded = 'any' or p.settles_at <= now()))
      then jsonb_build_object('outcome', 'not_fresh', 'by', 'passkey')
    when not v_is_fresh then jsonb_build_object('outcome', 'not_fresh') end;
end $$;

-- Ends what somebody has said of an account's lost passkeys, and says why: a passkey was used, added or removed, or they are kept.
-- Internal. False: there was nothing to end. The caller has locked the account.
create or replace function mcp_data.end_lost_passkeys(p_account_id uuid, p_reason text, p_request jsonb) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_lapses_at timestamptz;
begin
  delete from mcp_data.lost_passkeys l where l.account_id = p_account_id returning l.lapses_at into v_lapses_at;
  if v_lapses_at is null or v_lapses_at <= now() then
    return false;
  end if;
  perform mcp_data.add_event('passkey.removal_cancelled', p_reason, p_account_id, null, null, null, null, p_request);
  return true;
end $$;

-- What has been said of an account's lost passkeys, as its person sees it; null where there is nothing, or it has lapsed. Internal.
create or replace function mcp_data.describe_lost_passkeys(p_account_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_build_object('reported_at_seconds', floor(extract(epoch from l.reported_at))::bigint,
    'removable_at_seconds', ceil(extract(epoch from l.removable_at))::bigint,
    'lapses_at_seconds', floor(extract(epoch from l.lapses_at))::bigint)
    from mcp_data.lost_passkeys l where l.account_id = p_account_id and l.lapses_at > now());
end $$;

-- Whether a sign-in is enough for a transaction (THREATS B33): fresh enough for its request (OpenID Connect Core §3.1.2.1,
-- prompt and max_age) or page, and of the kind and freshness that the page or the server's owner asks for now. Internal.
-- Measured from when the transaction was opened: nobody is asked again for having read the consent page slowly.
create or replace function mcp_data.sign_in_suffices(p_transaction mcp_data.transactions, p_server mcp_data.servers,
  p_auth_time timestamptz, p_auth_method text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce(p_auth_time >= p_transaction.minimum_auth_time, true)
    and coalesce(p_auth_time >= p_transaction.created_at - make_interval(secs => p_server.sign_in_max_age_seconds), true)
    and (p_auth_method = 'passkey' or not (p_transaction.needs_passkey or coalesce(p_server.requires_passkey, false)));
end $$;

-- What the sign-in page shows of a sign-in for one of our own pages. Internal. An e-mail: somebody is signed in, but not freshly
-- enough, and is asked again.
create or replace function mcp_data.show_page_transaction(p_transaction mcp_data.transactions, p_email text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('transaction_id', p_transaction.transaction_id, 'page', p_transaction.page,
    'email', p_email, 'passkey_round', p_transaction.passkey_round,
    'wants_fresh_sign_in', p_transaction.minimum_auth_time is not null,
    'needs_passkey', p_transaction.needs_passkey));
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

-- Everything that is kept about a person: account, servers, sessions, passkeys and whether they are lost, identities, connections, and the newest 5000 events. Internal. The session is
-- the one that asks; null for an operator.
create or replace function mcp_data.describe_account(p_account_id uuid, p_session_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  a mcp_data.accounts;
begin
  select * into a from mcp_data.accounts x where x.account_id = p_account_id;
  return jsonb_build_object(
    'account', jsonb_strip_nulls(jsonb_build_object('account_id', a.account_id, 'email', a.email, 'name', a.name, 'language', a.language,
      'created_at', a.created_at, 'email_verified_at', a.email_verified_at)),
    'servers', (select coalesce(jsonb_agg(mcp_data.describe_server(s) order by s.created_at), '[]') from mcp_data.servers s
      where s.owner_account_id = a.account_id and s.status <> 'deleted'),
    'sessions', (select coalesce(jsonb_agg(mcp_data.describe_session(s, p_session_id) || jsonb_build_object('ip', s.ip, 'ended_at', s.ended_at)
      order by s.created_at), '[]') from mcp_data.sessions s where s.account_id = a.account_id),
    'passkeys', (select coalesce(jsonb_agg(mcp_data.describe_passkey(p) order by p.created_at), '[]')
      from mcp_data.passkeys p where p.account_id = a.account_id),
    'lost_passkeys', mcp_data.describe_lost_passkeys(a.account_id),
    'identities', (select coalesce(jsonb_agg(mcp_data.describe_identity(i) order by i.linked_at), '[]')
      from mcp_data.identities i where i.account_id = a.account_id),
    'connections', (select coalesce(jsonb_agg(mcp_data.describe_own_connection(c)
      || jsonb_build_object('revoked_at', c.revoked_at, 'revoked_reason', c.revoked_reason) order by c.created_at), '[]')
      from mcp_data.connections c where c.account_id = a.account_id),
    'events', (select coalesce(jsonb_agg(mcp_data.describe_own_event(x.e) order by (x.e).occurred_at), '[]')
      from (select e from mcp_data.audit_events e where e.account_id = a.account_id order by e.occurred_at desc limit 5000) x));
end $$;

-- Begins to make a passkey, after a fresh sign-in, which is by passkey where there is one already (THREATS J22; WebAuthn Level 3 §7.1):
-- the session keeps the digest of the newest challenge. The person's other passkeys are told, so that an authenticator makes no second
-- one.
-- outcomes: begun {account_id, email, credentials} · full {email} · not_fresh {by?} · sign_in
create or replace function mcp.begin_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_challenge_digest bytea, p_maximum integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_credentials jsonb;
begin
  v_person := mcp_data.passkey_keeper_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds, 'any');
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select coalesce(jsonb_agg(jsonb_build_object('id', p.credential_id, 'transports', to_jsonb(p.transports)) order by p.created_at), '[]')
    into v_credentials from mcp_data.passkeys p where p.account_id = v_person.account_id;
  if jsonb_array_length(v_credentials) >= p_maximum then
    return jsonb_build_object('outcome', 'full', 'email', v_person.email);
  end if;
  update mcp_data.sessions s set passkey_challenge_digest = p_challenge_digest where s.session_id = v_person.session_id;
  return jsonb_build_object('outcome', 'begun', 'account_id', v_person.account_id, 'email', v_person.email, 'credentials', v_credentials);
end $$;
grant execute on function mcp.begin_passkey(bytea[], integer, integer, bytea, integer) to mcp_worker;

-- Keeps a passkey that the Worker has verified (WebAuthn Level 3 §7.1, steps 26 and 27). The challenge is used up first: it is the
-- session's newest, or nothing is kept. A credential belongs to one account for good. Where there is a passkey, a fresh sign-in with it
-- is asked for; the first one can be taken away with a code for p_wait_seconds, in case the code was a phisher's.
-- outcomes: added {email, settles_at_seconds?} · challenge_gone · already_known · full · not_fresh {by?} · sign_in
create or replace function mcp.add_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_challenge_digests bytea[], p_passkey jsonb, p_maximum integer, p_request jsonb default null,
  p_wait_seconds integer default 259200) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_settles_at timestamptz;
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
  perform mcp_data.end_lost_passkeys(v_person.account_id, 'passkey_added', p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'added', 'email', v_person.email,
    'settles_at_seconds', case when v_settles_at > now() then floor(extract(epoch from v_settles_at))::bigint end));
end $$;
grant execute on function mcp.add_passkey(bytea[], integer, integer, bytea[], jsonb, integer, jsonb, integer) to mcp_worker;

-- Forgets a passkey, after a fresh sign-in with one (THREATS J22); by any where the account's first passkey is so new that its person
-- may only now be reading that it was made. Who signed in with it stays signed in: sessions end on their own page.
-- outcomes: removed {email} · not_found · not_fresh {by?} · sign_in
create or replace function mcp.remove_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_passkey_id text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
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
  perform mcp_data.end_lost_passkeys(v_person.account_id, 'passkey_removed', p_request);
  return jsonb_build_object('outcome', 'removed', 'email', v_person.email);
end $$;
grant execute on function mcp.remove_passkey(bytea[], integer, integer, text, jsonb) to mcp_worker;

-- A person's passkeys and linked accounts elsewhere, the oldest first; until when a code is enough to remove passkeys, and whether
-- somebody has said that all of them are lost.
-- outcomes: found {email, passkeys, identities, settles_at_seconds?, lost?} · sign_in
create or replace function mcp.list_passkeys(p_session_digests bytea[], p_session_idle_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'email', v_person.email, 'passkeys', (
    select coalesce(jsonb_agg(mcp_data.describe_passkey(p) order by p.created_at, p.passkey_id), '[]')
    from mcp_data.passkeys p where p.account_id = v_person.account_id),
    'identities', (select coalesce(jsonb_agg(mcp_data.describe_identity(i) order by i.linked_at, i.identity_id), '[]')
    from mcp_data.identities i where i.account_id = v_person.account_id),
    'settles_at_seconds', (select floor(extract(epoch from min(p.settles_at)))::bigint from mcp_data.passkeys p
    where p.account_id = v_person.account_id having min(p.settles_at) > now()),
    'lost', mcp_data.describe_lost_passkeys(v_person.account_id)));
end $$;
grant execute on function mcp.list_passkeys(bytea[], integer) to mcp_worker;

-- Signs a person in whose passkey has answered, or writes down that an answer was wrong (SECURITY §9; B6; WebAuthn Level 3 §7.2,
-- steps 22 to 24). p_proof is what the Worker verified, null with a reason when the answer was wrong. A counter that does not
-- grow is that of a copy, and is looked at once more under the lock: two answers of one moment are both told otherwise. Whoever has
-- said that the passkeys are lost was wrong; both are decided under the lock of the account.
-- outcomes: verified {account_id, email, page?, devices_forgotten_at_seconds?} · refused · passkey_unknown · account_disabled ·
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
  perform mcp_data.end_lost_passkeys(a.account_id, 'passkey_used', p_request);
  perform mcp_data.begin_session(a.account_id, 'passkey', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', a.account_id, 'email', a.email, 'page', t.page,
    'devices_forgotten_at_seconds', ceil(extract(epoch from a.devices_forgotten_at))::bigint));
end $$;
grant execute on function mcp.verify_passkey(text, bytea[], text, jsonb, text, bytea[], bytea, text, jsonb, jsonb) to mcp_worker;

-- Asks that all passkeys of an account be removed, after a fresh sign-in of any kind: by whoever has lost them, or by a phisher who
-- was told a code (THREATS J22, C7). So nothing happens yet: it waits for p_wait_seconds, its mail says how to stop it, and a sign-in
-- by passkey ends it. After that it can be done for p_confirm_seconds.
-- outcomes: reported {email, reported_at_seconds, removable_at_seconds, lapses_at_seconds} · already_reported · none · not_fresh · sign_in
create or replace function mcp.report_lost_passkeys(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_wait_seconds integer, p_confirm_seconds integer, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  perform from mcp_data.accounts a where a.account_id = v_person.account_id for no key update;
  if not exists (select from mcp_data.passkeys p where p.account_id = v_person.account_id) then
    return jsonb_build_object('outcome', 'none');
  end if;
  insert into mcp_data.lost_passkeys as l (account_id, removable_at, lapses_at)
  values (v_person.account_id, now() + make_interval(secs => p_wait_seconds), now() + make_interval(secs => p_wait_seconds + p_confirm_seconds))
  on conflict (account_id) do update
  set reported_at = excluded.reported_at, removable_at = excluded.removable_at, lapses_at = excluded.lapses_at where l.lapses_at <= now();
  if not found then
    return jsonb_build_object('outcome', 'already_reported');
  end if;
  perform mcp_data.add_event('passkey.removal_requested', null, v_person.account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'reported', 'email', v_person.email) || mcp_data.describe_lost_passkeys(v_person.account_id);
end $$;
grant execute on function mcp.report_lost_passkeys(bytea[], integer, integer, integer, integer, jsonb) to mcp_worker;

-- Ends what has been said of lost passkeys: they stay. Any session is enough, because it takes nothing away.
-- outcomes: kept · none · sign_in
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
  return jsonb_build_object('outcome', case when mcp_data.end_lost_passkeys(v_person.account_id, 'kept', p_request)
    then 'kept' else 'none' end);
end $$;
grant execute on function mcp.keep_passkeys(bytea[], integer, jsonb) to mcp_worker;

-- Removes all passkeys of an account, once those who could say that they are not lost have had their time, after a fresh sign-in of
-- any kind (THREATS J22). The account's row is locked first, as by a sign-in with a passkey: either that ends the wait, or it finds no
-- passkey any more.
-- outcomes: removed {email} · not_due · not_fresh · sign_in
create or replace function mcp.remove_lost_passkeys(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_count integer;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  perform from mcp_data.accounts a where a.account_id = v_person.account_id for no key update;
  delete from mcp_data.lost_passkeys l where l.account_id = v_person.account_id and now() >= l.removable_at and now() < l.lapses_at;
  if not found then
    return jsonb_build_object('outcome', 'not_due');
  end if;
  delete from mcp_data.passkeys p where p.account_id = v_person.account_id;
  get diagnostics v_count = row_count;
  perform mcp_data.add_event('passkey.removed', 'lost', v_person.account_id, null, null, null, jsonb_build_object('passkeys', v_count), p_request);
  return jsonb_build_object('outcome', 'removed', 'email', v_person.email);
end $$;
grant execute on function mcp.remove_lost_passkeys(bytea[], integer, integer, jsonb) to mcp_worker;

-- What to show for a transaction now (SECURITY §8). Showing the consent page binds the transaction to the account on it.
-- outcomes: sign_in {transaction, email_code_sent, email?, attempts_left?, linking_issuer?} · consent {the same} · page_sign_in {the same} ·
--   page {page} · transaction_gone {reason}
create or replace function mcp.read_transaction(p_transaction_id text, p_browser_digests bytea[], p_session_digests bytea[],
  p_session_idle_seconds integer, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  c mcp_data.email_challenges;
  s mcp_data.servers;
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
    'attempts_left', c.attempts_allowed - c.attempts,
    'linking_issuer', case when t.pending_identity->>'email' = c.email then t.pending_identity->>'issuer' end));
  v_session := mcp_data.session_of(p_session_digests, p_session_idle_seconds);
  if t.page is not null then
    if v_session.session_id is not null and mcp_data.sign_in_suffices(t, null, v_session.auth_time, v_session.auth_method) then
      return jsonb_build_object('outcome', 'page', 'page', t.page);
    end if;
    return v_answer || jsonb_build_object('outcome', 'page_sign_in', 'transaction', mcp_data.show_page_transaction(t, v_session.email));
  end if;
  select * into s from mcp_data.servers where server_id = t.server_id;
  if v_session.session_id is null or not mcp_data.sign_in_suffices(t, s, v_session.auth_time, v_session.auth_method) then
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

-- Begins a sign-in for one of our own pages (SECURITY §8, §9). A session is enough unless it has to be fresh: then it must have
-- begun at most p_fresh_seconds ago, and with p_needs_passkey by a passkey.
-- outcomes: signed_in · page_sign_in {transaction}
create or replace function mcp.open_sign_in(p_transaction_id text, p_browser_digests bytea[], p_browser_digest bytea, p_kid text,
  p_session_digests bytea[], p_page text, p_fresh_seconds integer, p_lifetimes jsonb, p_max_open_transactions integer,
  p_needs_passkey boolean default false) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_session record;
  t mcp_data.transactions;
begin
  v_session := mcp_data.session_of(p_session_digests, (p_lifetimes->>'session_idle_seconds')::integer);
  t.minimum_auth_time := now() - make_interval(secs => p_fresh_seconds);
  t.needs_passkey := p_needs_passkey;
  if v_session.session_id is not null and mcp_data.sign_in_suffices(t, null, v_session.auth_time, v_session.auth_method) then
    perform mcp_data.renew_session_digest(v_session.session_id, p_session_digests[1], p_kid);
    return jsonb_build_object('outcome', 'signed_in');
  end if;
  t.transaction_id := p_transaction_id;
  t.browser_digest := p_browser_digest;
  t.browser_kid := p_kid;
  t.created_at := now();
  t.passkey_round := 0;
  t.expires_at := now() + make_interval(secs => (p_lifetimes->>'transaction_seconds')::integer);
  t.page := p_page;
  perform mcp_data.keep_transaction(t, p_browser_digests, p_max_open_transactions);
  return jsonb_build_object('outcome', 'page_sign_in',
    'transaction', mcp_data.show_page_transaction(t, v_session.email));
end $$;
grant execute on function mcp.open_sign_in(text, bytea[], bytea, text, bytea[], text, integer, jsonb, integer, boolean) to mcp_worker;

update mcp_data.settings set schema_version = '20261127180000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
