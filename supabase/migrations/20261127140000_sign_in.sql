-- Stronger sign-in: passkeys, accounts elsewhere, and what an owner asks of a sign-in (SECURITY §9, §15, §16; THREATS B33, C2).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Passkeys: public keys with which people sign in (WebAuthn Level 3 §4 "credential record"). Nothing here is a secret.
create table mcp_data.passkeys (
  passkey_id text not null constraint passkeys_pkey primary key
    constraint passkeys_passkey_id_has_its_shape check (passkey_id ~ '^pky_[0-9A-Za-z]{12}$'),
  account_id uuid not null references mcp_data.accounts (account_id) on delete cascade,
  -- base64url of at most 1023 bytes (§7.1, step 25).
  credential_id text not null constraint passkeys_credential_id_is_unique unique
    constraint passkeys_credential_id_is_base64url check (credential_id ~ '^[A-Za-z0-9_-]+$' and length(credential_id) <= 1364),
  -- A COSE_Key (RFC 9052 §7).
  public_key bytea not null constraint passkeys_public_key_is_short check (octet_length(public_key) between 1 and 2048),
  sign_count bigint not null constraint passkeys_sign_count_is_32_bits check (sign_count between 0 and 4294967295),
  transports text[] not null default '{}' constraint passkeys_transports_are_few check (cardinality(transports) <= 10),
  is_backup_eligible boolean not null,
  is_backed_up boolean not null,
  name text not null constraint passkeys_name_is_short check (length(name) between 1 and 64),
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  constraint passkeys_backed_up_are_eligible check (is_backup_eligible or not is_backed_up)
);
create index passkeys_of_account on mcp_data.passkeys (account_id);

alter table mcp_data.passkeys enable row level security;
alter table mcp_data.passkeys force row level security;
create policy owner_only on mcp_data.passkeys to mcp_owner using (true) with check (true);

-- Accounts elsewhere that stand for an account here (SECURITY §16): linked once, by a code to the address that the provider had
-- verified. Known by issuer and subject, never by e-mail (OpenID Connect Core §5.7).
create table mcp_data.identities (
  identity_id uuid not null default gen_random_uuid() constraint identities_pkey primary key,
  issuer text not null constraint identities_issuer_is_a_url check (issuer ~ '^https?://' and length(issuer) <= 512),
  subject text not null constraint identities_subject_is_short check (length(subject) between 1 and 255),
  account_id uuid not null references mcp_data.accounts (account_id) on delete cascade,
  -- What the provider calls it, for the person's own list.
  email text constraint identities_email_is_short check (length(email) <= 254),
  linked_at timestamptz not null default now(),
  last_used_at timestamptz,
  constraint identities_are_one_a_subject unique (issuer, subject)
);
create index identities_of_account on mcp_data.identities (account_id);
alter table mcp_data.identities enable row level security;
alter table mcp_data.identities force row level security;
create policy owner_only on mcp_data.identities to mcp_owner using (true) with check (true);

alter table mcp_data.sessions
  -- Of the passkey that is being made here; the newest alone, and used up by the answer.
  add column passkey_challenge_digest bytea constraint sessions_passkey_challenge_is_32_bytes check (octet_length(passkey_challenge_digest) = 32);
alter table mcp_data.transactions
  -- How many answers to its passkey challenge have come: each makes the next challenge another one.
  add column passkey_round integer not null default 0,
  -- An account elsewhere that is linked once its address is proven by a code: issuer, subject, email.
  add column pending_identity jsonb constraint transactions_pending_identity_is_an_object check (jsonb_typeof(pending_identity) = 'object');
-- It takes one argument more.
drop function mcp_data.begin_session(uuid, text, mcp_data.transactions, bytea[], bytea, text, jsonb, jsonb);

alter table mcp_data.servers
  -- What its owner asks of a sign-in before consent (THREATS B33): a passkey, and how many seconds ago at most.
  add column requires_passkey boolean not null default false,
  add column sign_in_max_age_seconds integer constraint servers_sign_in_max_age_seconds_are_bounded check (sign_in_max_age_seconds between 60 and 604800);

-- Keeps a passkey that the Worker has verified (WebAuthn Level 3 §7.1, steps 26 and 27). The challenge is used up first: it is the
-- session's newest, or nothing is kept. A credential belongs to one account for good.
-- outcomes: added {email} · challenge_gone · already_known · full · not_fresh · sign_in
create or replace function mcp.add_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_challenge_digests bytea[], p_passkey jsonb, p_maximum integer, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  update mcp_data.sessions s set passkey_challenge_digest = null
  where s.session_id = v_person.session_id and s.passkey_challenge_digest = any(p_challenge_digests);
  if not found then
    return jsonb_build_object('outcome', 'challenge_gone');
  end if;
  -- Locks the account, so that two at once are counted one after the other.
  perform from mcp_data.accounts a where a.account_id = v_person.account_id for no key update;
  if p_maximum <= (select count(*) from mcp_data.passkeys p where p.account_id = v_person.account_id) then
    return jsonb_build_object('outcome', 'full');
  end if;
  insert into mcp_data.passkeys (passkey_id, account_id, credential_id, public_key, sign_count, transports, is_backup_eligible, is_backed_up, name)
  values (p_passkey->>'passkey_id', v_person.account_id, p_passkey->>'credential_id', (p_passkey->>'public_key')::bytea,
    (p_passkey->>'sign_count')::bigint, mcp_data.text_array(p_passkey->'transports'), (p_passkey->>'backup_eligible')::boolean,
    (p_passkey->>'backed_up')::boolean, p_passkey->>'name')
  on conflict (credential_id) do nothing;
  if not found then
    return jsonb_build_object('outcome', 'already_known');
  end if;
  perform mcp_data.add_event('passkey.added', null, v_person.account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'added', 'email', v_person.email);
end $$;
grant execute on function mcp.add_passkey(bytea[], integer, integer, bytea[], jsonb, integer, jsonb) to mcp_worker;

-- Begins to make a passkey, after a fresh sign-in (THREATS J22; WebAuthn Level 3 §7.1): the session keeps the digest of the newest
-- challenge. The person's other passkeys are told, so that an authenticator makes no second one.
-- outcomes: begun {account_id, email, credentials} · full {email} · not_fresh · sign_in
create or replace function mcp.begin_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_challenge_digest bytea, p_maximum integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_credentials jsonb;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
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

-- Signs a person in, however they have shown who they are (SECURITY §9; B6): the browser's session of before ends, a new one
-- begins, and the transaction is the account's. Internal; every way to sign in ends here.
create or replace function mcp_data.begin_session(p_account_id uuid, p_auth_method text, p_transaction mcp_data.transactions,
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_request jsonb,
  p_auth_time timestamptz default now()) returns void
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
  values (p_session_digest, p_kid, p_account_id, p_auth_time, p_auth_method,
    now() + make_interval(secs => (p_lifetimes->>'session_absolute_seconds')::integer),
    left(p_request->>'ip', 64), left(p_request->>'user_agent', 400), left(p_request->>'country', 2));
  update mcp_data.accounts set language = coalesce(left(p_request->>'language', 8), language) where account_id = p_account_id;
  update mcp_data.transactions set account_id = p_account_id where transaction_id = t.transaction_id;
  perform mcp_data.add_event('session.created', p_auth_method, p_account_id, t.client_id, t.server_id, null, null, p_request);
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

-- Everything that is kept about a person: account, servers, sessions, passkeys, identities, connections, and the newest 5000 events. Internal. The session is
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
    'identities', (select coalesce(jsonb_agg(mcp_data.describe_identity(i) order by i.linked_at), '[]')
      from mcp_data.identities i where i.account_id = a.account_id),
    'connections', (select coalesce(jsonb_agg(mcp_data.describe_own_connection(c)
      || jsonb_build_object('revoked_at', c.revoked_at, 'revoked_reason', c.revoked_reason) order by c.created_at), '[]')
      from mcp_data.connections c where c.account_id = a.account_id),
    'events', (select coalesce(jsonb_agg(mcp_data.describe_own_event(x.e) order by (x.e).occurred_at), '[]')
      from (select e from mcp_data.audit_events e where e.account_id = a.account_id order by e.occurred_at desc limit 5000) x));
end $$;

-- An account elsewhere as its person sees it. Internal.
create or replace function mcp_data.describe_identity(i mcp_data.identities) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('identity_id', i.identity_id, 'issuer', i.issuer, 'email', i.email,
    'linked_at_seconds', floor(extract(epoch from i.linked_at))::bigint,
    'last_used_at_seconds', floor(extract(epoch from i.last_used_at))::bigint));
end $$;

-- A passkey as its person sees it. Internal.
create or replace function mcp_data.describe_passkey(p mcp_data.passkeys) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('passkey_id', p.passkey_id, 'name', p.name, 'synced', p.is_backed_up,
    'created_at_seconds', floor(extract(epoch from p.created_at))::bigint,
    'last_used_at_seconds', floor(extract(epoch from p.last_used_at))::bigint));
end $$;

-- A server as its owner sees it. Internal.
create or replace function mcp_data.describe_server(s mcp_data.servers) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('server_id', s.server_id, 'server_url', s.server_url, 'server_name', s.server_name,
    'description', s.description, 'logo_url', s.logo_url, 'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names),
    'status', s.status, 'created_at_seconds', floor(extract(epoch from s.created_at))::bigint,
    'verified_at_seconds', floor(extract(epoch from s.verified_at))::bigint, 'token_lifetime_seconds', s.token_lifetime_seconds,
    'share_email', s.share_email, 'client_policy', s.client_policy, 'requires_passkey', s.requires_passkey,
    'sign_in_max_age_seconds', s.sign_in_max_age_seconds, 'owner', s.owner_account_id is not null,
    'proof', nullif(jsonb_strip_nulls(jsonb_build_object('method', case when s.status = 'verified' then nullif(s.proof_method, 'loopback') end,
      'checked_at_seconds', floor(extract(epoch from s.proof_checked_at))::bigint,
      'failing_since_seconds', floor(extract(epoch from s.proof_failing_since))::bigint, 'seen', s.proof_seen)), '{}'),
    'offered_to', coalesce(s.offered_to_email, s.offered_to_user_id)));
end $$;

-- A session as its person sees it. Internal.
create or replace function mcp_data.describe_session(s mcp_data.sessions, p_current uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('session_id', s.session_id, 'current', s.session_id is not distinct from p_current,
    'signed_in_at_seconds', floor(extract(epoch from s.created_at))::bigint, 'auth_method', s.auth_method,
    'last_used_at_seconds', floor(extract(epoch from s.last_used_at))::bigint, 'user_agent', s.user_agent, 'country', s.country));
end $$;

-- Takes back a hit that this transaction counted with take_limit, before it ends: what was reserved did not come about. Internal.
create or replace function mcp_data.give_back_limit(p_kind text, p_subject text) returns void
language plpgsql set search_path = '' as $$
begin
  -- One of those of this very moment: hits of others stay.
  update mcp_data.limits set hits = hits[:array_position(hits, now()) - 1] || hits[array_position(hits, now()) + 1:]
  where subject_digest = sha256(convert_to(p_kind || ':' || p_subject, 'UTF8')) and now() = any(hits);
end $$;

-- Links the account elsewhere that a transaction waits with, now that a code has proven the address it has there. Internal. A code
-- to another address links nothing, and what is linked already stays where it is.
create or replace function mcp_data.link_identity(p_transaction mcp_data.transactions, p_account mcp_data.accounts, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  v_pending jsonb := p_transaction.pending_identity;
begin
  if v_pending is null or v_pending->>'email' <> p_account.email then
    return;
  end if;
  insert into mcp_data.identities (issuer, subject, account_id, email, last_used_at)
  values (v_pending->>'issuer', v_pending->>'subject', p_account.account_id, v_pending->>'email', now())
  on conflict (issuer, subject) do nothing;
  if found then
    perform mcp_data.add_event('identity.linked', null, p_account.account_id, p_transaction.client_id, p_transaction.server_id, null,
      jsonb_build_object('issuer', v_pending->>'issuer'), p_request);
  end if;
end $$;

-- A person's passkeys and linked accounts elsewhere, the oldest first.
-- outcomes: found {email, passkeys, identities} · sign_in
create or replace function mcp.list_passkeys(p_session_digests bytea[], p_session_idle_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  return jsonb_build_object('outcome', 'found', 'email', v_person.email, 'passkeys', (
    select coalesce(jsonb_agg(mcp_data.describe_passkey(p) order by p.created_at, p.passkey_id), '[]')
    from mcp_data.passkeys p where p.account_id = v_person.account_id),
    'identities', (select coalesce(jsonb_agg(mcp_data.describe_identity(i) order by i.linked_at, i.identity_id), '[]')
    from mcp_data.identities i where i.account_id = v_person.account_id));
end $$;
grant execute on function mcp.list_passkeys(bytea[], integer) to mcp_worker;

-- The row of an authorization request, before it is known whose browser it belongs to. Internal; it writes nothing.
create or replace function mcp_data.new_transaction(p_client jsonb, p_authorization jsonb, p_lifetimes jsonb, p_resource_kind text,
  p_server mcp_data.servers, p_server_scopes text[], p_identity_scopes text[]) returns mcp_data.transactions
language plpgsql stable set search_path = '' as $$
declare
  t mcp_data.transactions;
begin
  t.created_at := now();
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
  t.passkey_round := 0;
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
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
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
  if not mcp_data.client_is_allowed((v_resource.server).server_id, (v_resource.server).client_policy,
    (v_resource.server).has_client_rules, p_client->>'client_id', p_client->>'kind', p_authorization->>'redirect_uri') then
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
  if v_session.session_id is not null
    and not mcp_data.sign_in_suffices(t, v_resource.server, v_session.auth_time, v_session.auth_method) then
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
    if v_session.session_id is not null and coalesce(v_session.auth_time >= t.minimum_auth_time, true) then
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

-- Registers a server (HTTP-API "Server management"; J1, J2, J7, J8, N9, J24). Without a caller the management token is its
-- credential; with an owner's token the account owns it. `user_id` only asks that person. Status `verified` at once is for a
-- loopback issuer; there a URL that is held is taken. With an idempotency key the same call answers the same (`replayed`).
-- outcomes: registered {server, replayed?} · server_url_taken · idempotency_mismatch · limited {reason, retry_after_seconds?} ·
--   not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.register_server(p_server_id text, p_server jsonb, p_status text, p_management jsonb, p_caller jsonb,
  p_limits jsonb, p_idempotency jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_account_id uuid;
  v_before record;
  v_limited jsonb;
  s mcp_data.servers;
begin
  if p_caller is not null and p_caller <> 'null' then
    -- A management token speaks for the one server it came with, never for a new one.
    v_caller := mcp_data.resolve_owner(p_caller, 'servers:write');
    if v_caller.refusal is not null then
      return v_caller.refusal;
    end if;
    v_account_id := v_caller.account_id;
  end if;
  v_before := mcp_data.made_before(p_idempotency);
  if v_before.is_mismatch then
    return jsonb_build_object('outcome', 'idempotency_mismatch');
  elsif v_before.made_id is not null then
    select * into s from mcp_data.servers x where x.server_id = v_before.made_id and x.status <> 'deleted';
    return case when found then jsonb_build_object('outcome', 'registered', 'server', mcp_data.describe_server(s), 'replayed', true)
      else jsonb_build_object('outcome', 'not_found') end;
  end if;
  if v_account_id is not null then
    v_limited := mcp_data.check_server_limits(v_account_id, p_limits, p_request);
    if v_limited is not null then
      return v_limited;
    end if;
    -- One owner has one registration of a URL; strangers may wait for it beside (J8).
    if exists (select from mcp_data.servers x
      where x.server_url = p_server->>'server_url' and x.owner_account_id = v_account_id and x.status <> 'deleted') then
      return jsonb_build_object('outcome', 'server_url_taken');
    end if;
  end if;
  insert into mcp_data.servers (server_id, server_url, server_name, description, logo_url, scopes, scope_names, status,
    owner_account_id, offered_to_user_id, token_lifetime_seconds, share_email, requires_passkey, sign_in_max_age_seconds, verified_at, proof_method)
  values (p_server_id, p_server->>'server_url', p_server->>'server_name', p_server->>'description', p_server->>'logo_url',
    coalesce(p_server->'scopes', '[]'), mcp_data.scope_names(p_server->'scopes'), p_status, v_account_id,
    nullif(p_server->>'user_id', v_account_id::text), (p_server->>'token_lifetime_seconds')::integer,
    coalesce((p_server->>'share_email')::boolean, true), coalesce((p_server->>'requires_passkey')::boolean, false),
    (p_server->>'sign_in_max_age_seconds')::integer, case when p_status = 'verified' then now() end,
    case when p_status = 'verified' then 'loopback' end)
  on conflict (server_url) where status = 'verified' do nothing
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'server_url_taken');
  end if;
  if p_management is not null and p_management <> 'null' then
    insert into mcp_data.management_tokens (public_part, server_id, token_digest, token_kid)
    values (p_management->>'public_part', p_server_id, (p_management->>'digest')::bytea, p_management->>'kid');
  end if;
  perform mcp_data.keep_idempotency_key(p_idempotency, p_server_id);
  perform mcp_data.add_event('server.registered', null, v_account_id, null, p_server_id, null, null, p_request);
  if p_status = 'verified' then
    perform mcp_data.add_event('server.verified', 'loopback_issuer', v_account_id, null, p_server_id, null, null, p_request);
  end if;
  return jsonb_build_object('outcome', 'registered', 'server', mcp_data.describe_server(s));
end $$;
grant execute on function mcp.register_server(text, jsonb, text, jsonb, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

-- Unlinks an account elsewhere, after a fresh sign-in (THREATS J22); a code links it again.
-- outcomes: removed {email} · not_found · not_fresh · sign_in
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
  return jsonb_build_object('outcome', 'removed', 'email', v_person.email);
end $$;
grant execute on function mcp.remove_identity(bytea[], integer, integer, uuid, jsonb) to mcp_worker;

-- Forgets a passkey, after a fresh sign-in (THREATS J22). Who signed in with it stays signed in: sessions end on their own page.
-- outcomes: removed {email} · not_found · not_fresh · sign_in
create or replace function mcp.remove_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_passkey_id text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  delete from mcp_data.passkeys p where p.passkey_id = p_passkey_id and p.account_id = v_person.account_id;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('passkey.removed', null, v_person.account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'removed', 'email', v_person.email);
end $$;
grant execute on function mcp.remove_passkey(bytea[], integer, integer, text, jsonb) to mcp_worker;

-- Calls a passkey by another name.
-- outcomes: renamed · not_found · sign_in
create or replace function mcp.rename_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_passkey_id text, p_name text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  update mcp_data.passkeys p set name = p_name where p.passkey_id = p_passkey_id and p.account_id = v_person.account_id;
  return jsonb_build_object('outcome', case when found then 'renamed' else 'not_found' end);
end $$;
grant execute on function mcp.rename_passkey(bytea[], integer, text, text) to mcp_worker;

-- What the sign-in page shows of a sign-in for one of our own pages. Internal. An e-mail: somebody is signed in, but not freshly
-- enough, and is asked again.
create or replace function mcp_data.show_page_transaction(p_transaction mcp_data.transactions, p_email text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('transaction_id', p_transaction.transaction_id, 'page', p_transaction.page,
    'email', p_email, 'passkey_round', p_transaction.passkey_round,
    'wants_fresh_sign_in', p_transaction.minimum_auth_time is not null));
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
      'server_url', s.server_url, 'description', s.description, 'share_email', s.share_email, 'client_policy', s.client_policy,
      'requires_passkey', s.requires_passkey, 'scopes', mcp_data.requested_catalogue(s.scopes, t.requested_scopes)));
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

-- Whether a sign-in is enough for a transaction (THREATS B33): fresh enough for its request (OpenID Connect Core §3.1.2.1,
-- prompt and max_age), and of the kind and freshness that the server's owner asks for now. Internal.
-- Measured from when the transaction was opened: nobody is asked again for having read the consent page slowly.
create or replace function mcp_data.sign_in_suffices(p_transaction mcp_data.transactions, p_server mcp_data.servers,
  p_auth_time timestamptz, p_auth_method text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce(p_auth_time >= p_transaction.minimum_auth_time, true)
    and coalesce(p_auth_time >= p_transaction.created_at - make_interval(secs => p_server.sign_in_max_age_seconds), true)
    and (p_auth_method = 'passkey' or not coalesce(p_server.requires_passkey, false));
end $$;

-- Signs a person in whom a provider vouches for, if the account there is linked here; else sends a code to the address that the
-- provider has verified, which links it (SECURITY §16: nobody gets into an account by an e-mail that somebody else has looked at).
-- When the person was asked there is the provider's to say: where it does not, a day ago, so that nothing which wants a fresh
-- sign-in takes it. p_code is the code to send: digest, kid, limits, device, ip.
-- outcomes: verified {account_id, email, page?, devices_forgotten_at_seconds?} · confirm {email, server_host?, sent} ·
--   email_unverified · account_disabled · switched_off · transaction_gone {reason}
create or replace function mcp.sign_in_with_provider(p_transaction_id text, p_browser_digests bytea[], p_identity jsonb, p_code jsonb,
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  a mcp_data.accounts;
  v_gone jsonb;
  v_account_id uuid;
  v_sent jsonb;
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  end if;
  update mcp_data.identities i set last_used_at = now()
  where i.issuer = p_identity->>'issuer' and i.subject = p_identity->>'subject' returning i.account_id into v_account_id;
  if v_account_id is null then
    if p_identity->>'email' is null then
      return jsonb_build_object('outcome', 'email_unverified');
    end if;
    v_sent := mcp.send_email_code(p_transaction_id, p_browser_digests, p_identity->>'email', (p_code->>'digest')::bytea, p_code->>'kid',
      p_code->'limits', p_code->'device', p_code->>'ip', p_request);
    if v_sent->>'outcome' not in ('sent', 'suppressed') then
      return v_sent;
    end if;
    update mcp_data.transactions x set pending_identity =
      jsonb_build_object('issuer', p_identity->>'issuer', 'subject', p_identity->>'subject', 'email', p_identity->>'email')
    where x.transaction_id = p_transaction_id;
    return jsonb_strip_nulls(jsonb_build_object('outcome', 'confirm', 'email', p_identity->>'email', 'sent', v_sent->>'outcome' = 'sent',
      'server_host', v_sent->>'server_host'));
  end if;
  select * into strict a from mcp_data.accounts x where x.account_id = v_account_id;
  if a.disabled_at is not null then
    perform mcp_data.add_event('authorization.failed', 'sign_in_disabled', a.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'account_disabled');
  end if;
  perform mcp_data.begin_session(a.account_id, 'provider', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request,
    least(now(), coalesce(to_timestamp((p_identity->>'auth_time_seconds')::bigint), now() - interval '1 day')));
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', a.account_id, 'email', a.email, 'page', t.page,
    'devices_forgotten_at_seconds', ceil(extract(epoch from a.devices_forgotten_at))::bigint));
end $$;
grant execute on function mcp.sign_in_with_provider(text, bytea[], jsonb, jsonb, bytea[], bytea, text, jsonb, jsonb) to mcp_worker;

-- Uses up the passkey challenge of a transaction, and gives the passkey that is said to answer it (WebAuthn Level 3 §7.2, steps 5
-- and 6). Before anything is verified: an answer counts once, whatever comes of it. A call of its own, because the signature is
-- verified in the Worker and nobody knows whose key is needed before the answer has come.
-- outcomes: taken {passkey_round, passkey {passkey_id, account_id, credential_id, public_key, sign_count}} · passkey_unknown · transaction_gone {reason}
create or replace function mcp.take_passkey_challenge(p_transaction_id text, p_browser_digests bytea[], p_credential_id text,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  p mcp_data.passkeys;
  v_gone jsonb;
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  end if;
  update mcp_data.transactions x set passkey_round = x.passkey_round + 1 where x.transaction_id = p_transaction_id;
  select * into p from mcp_data.passkeys x where x.credential_id = p_credential_id;
  if not found then
    return jsonb_build_object('outcome', 'passkey_unknown');
  end if;
  return jsonb_build_object('outcome', 'taken', 'passkey_round', t.passkey_round, 'passkey', jsonb_build_object(
    'passkey_id', p.passkey_id, 'account_id', p.account_id, 'credential_id', p.credential_id, 'public_key', p.public_key::text,
    'sign_count', p.sign_count));
end $$;
grant execute on function mcp.take_passkey_challenge(text, bytea[], text, jsonb) to mcp_worker;

-- Changes a server; only the members that are given (J7, J16, J18: its URL, owner and status are not among them). A null
-- description, logo or lifetime removes it.
-- outcomes: updated {server, notice?} · limited {reason, retry_after_seconds} · not_found · caller_unknown · scope_missing {scope} ·
--   sign_in · not_fresh
create or replace function mcp.update_server(p_server_id text, p_caller jsonb, p_changes jsonb, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_before mcp_data.servers;
  s mcp_data.servers;
  v_wait integer;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  v_before := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if v_before.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  update mcp_data.servers x set
    server_name = coalesce(p_changes->>'server_name', x.server_name),
    description = case when p_changes ? 'description' then p_changes->>'description' else x.description end,
    logo_url = case when p_changes ? 'logo_url' then p_changes->>'logo_url' else x.logo_url end,
    scopes = coalesce(p_changes->'scopes', x.scopes),
    scope_names = case when p_changes ? 'scopes' then mcp_data.scope_names(p_changes->'scopes') else x.scope_names end,
    token_lifetime_seconds = case when p_changes ? 'token_lifetime_seconds'
      then (p_changes->>'token_lifetime_seconds')::integer else x.token_lifetime_seconds end,
    share_email = coalesce((p_changes->>'share_email')::boolean, x.share_email),
    client_policy = coalesce(p_changes->>'client_policy', x.client_policy),
    requires_passkey = coalesce((p_changes->>'requires_passkey')::boolean, x.requires_passkey),
    sign_in_max_age_seconds = case when p_changes ? 'sign_in_max_age_seconds' then (p_changes->>'sign_in_max_age_seconds')::integer else x.sign_in_max_age_seconds end
  where x.server_id = p_server_id and x.status <> 'deleted'
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if s.scopes <> v_before.scopes then
    perform mcp_data.add_event('scopes.changed', null, v_caller.account_id, null, p_server_id, null,
      jsonb_build_object('before', v_before.scope_names, 'after', s.scope_names), p_request);
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'updated', 'server', mcp_data.describe_server(s),
    -- Scopes that grow are told (J22).
    'notice', case when not s.scope_names <@ v_before.scope_names then mcp_data.addressee(s.owner_account_id) end));
end $$;
grant execute on function mcp.update_server(text, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

-- Checks a one-time code and signs the person in (SECURITY §9, §15; B6, C1-C4, C11, C18). The attempt is counted before the
-- comparison, a right code is used up by it, the session of before ends, and the account is made only now.
-- outcomes: verified {account_id, email, auth_time_seconds, page?, devices_forgotten_at_seconds?} · wrong {attempts_left} · exhausted · expired · not_sent ·
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
  perform mcp_data.link_identity(t, v_account, p_request);
  perform mcp_data.begin_session(v_account.account_id, 'email_code', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', v_account.account_id, 'email', v_account.email,
    'auth_time_seconds', floor(extract(epoch from now()))::bigint, 'page', t.page,
    'devices_forgotten_at_seconds', ceil(extract(epoch from v_account.devices_forgotten_at))::bigint));
end $$;
grant execute on function mcp.verify_email_code(text, bytea[], bytea[], bytea[], bytea, text, jsonb, jsonb, jsonb) to mcp_worker;

-- Signs a person in whose passkey has answered, or writes down that an answer was wrong (SECURITY §9; B6; WebAuthn Level 3 §7.2,
-- steps 22 to 24). p_proof is what the Worker verified, null with a reason when the answer was wrong. A counter that does not
-- grow is that of a copy, and is looked at once more under the lock: two answers of one moment are both told otherwise.
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
  perform mcp_data.begin_session(a.account_id, 'passkey', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', a.account_id, 'email', a.email, 'page', t.page,
    'devices_forgotten_at_seconds', ceil(extract(epoch from a.devices_forgotten_at))::bigint));
end $$;
grant execute on function mcp.verify_passkey(text, bytea[], text, jsonb, text, bytea[], bytea, text, jsonb, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261127140000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
