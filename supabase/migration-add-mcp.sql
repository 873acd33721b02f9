-- Auth-Agent MCP: all migrations in order, for a project without the Supabase CLI. Paste it into the SQL editor and run it
-- once. Built by supabase/local/scripts/build-migration-file.ts; do not edit.

begin;

-- migrations/20261124000000_mcp.sql

-- Roles and schemas (SECURITY §27, ARCHITECTURE decision 3).
-- mcp_owner owns everything, cannot log in and cannot bypass row level security; mcp_worker may execute our functions
-- and nothing else. Roles belong to the cluster, so another database may have made them before.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'mcp_owner') then
    create role mcp_owner nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'mcp_worker') then
    create role mcp_worker nologin noinherit;
  end if;
end $$;

alter role mcp_worker set statement_timeout = '3s';
alter role mcp_worker set lock_timeout = '1s';

-- Whoever migrates (Supabase's `postgres` is no superuser) must be able to make objects as mcp_owner.
do $$
begin
  if not pg_catalog.pg_has_role(current_user, 'mcp_owner', 'usage') then
    execute pg_catalog.format('grant mcp_owner to %I', current_user);
  end if;
end $$;

-- A plain Supabase project: a JWT with `role: mcp_worker` needs authenticator to switch to it, and a secret key is
-- service_role. Elsewhere these two do not exist.
do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then
    grant mcp_worker to authenticator;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant mcp_worker to service_role;
  end if;
end $$;

create schema mcp authorization mcp_owner;
create schema mcp_data authorization mcp_owner;

-- Decision 7: accounts are shared with a Supabase project's auth.users. This is the one function that does not belong to
-- mcp_owner: auth.users has row level security without policies, so only the migrating role (which may bypass it) can
-- read it. No table of that name: no answer.
create function mcp_data.find_auth_user(p_email text) returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  v_account_id uuid;
begin
  if pg_catalog.to_regclass('auth.users') is null then
    return null;
  end if;
  execute 'select id from auth.users where email = $1 and is_sso_user = false
             and email_confirmed_at is not null and deleted_at is null'
    into v_account_id using p_email;
  return v_account_id;
end $$;
revoke execute on function mcp_data.find_auth_user(text) from public;
grant execute on function mcp_data.find_auth_user(text) to mcp_owner;

-- From here on everything is made by mcp_owner; the last file of a migration goes back to the role it came from
-- (`reset role` would go back to the login role, which need not be the same).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Without this PostgreSQL lets PUBLIC execute every new function. It must be global for the role: per schema nothing can
-- be taken away that is granted by default.
alter default privileges for role mcp_owner revoke execute on functions from public;
alter default privileges for role mcp_owner revoke usage on types from public;
grant usage on schema mcp to mcp_worker;

-- One row of facts about this deployment (SECURITY §6). Raising issuer_epoch ends every connection at once.
create table mcp_data.settings (
  only_row boolean not null default true constraint settings_pkey primary key constraint settings_is_one_row check (only_row),
  issuer_epoch integer not null default 1 constraint settings_issuer_epoch_is_positive check (issuer_epoch > 0),
  schema_version text not null
);

-- People, keyed by verified e-mail in its canonical form (ARCHITECTURE decision 7, SECURITY §16, §17).
create table mcp_data.accounts (
  account_id uuid not null default gen_random_uuid() constraint accounts_pkey primary key,
  email text not null constraint accounts_email_is_unique unique
    constraint accounts_email_is_an_address check (length(email) between 3 and 254 and position('@' in email) > 1),
  email_verified_at timestamptz not null,
  name text constraint accounts_name_is_short check (length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  disabled_at timestamptz,
  disabled_reason text
);

-- Browser sessions (SECURITY §9): new at sign-in, idle and absolute limits, stored as keyed digest.
create table mcp_data.sessions (
  session_id uuid not null default gen_random_uuid() constraint sessions_pkey primary key,
  session_digest bytea not null constraint sessions_digest_is_unique unique
    constraint sessions_digest_is_32_bytes check (octet_length(session_digest) = 32),
  session_kid text not null constraint sessions_kid_is_short check (length(session_kid) between 1 and 64),
  account_id uuid not null references mcp_data.accounts (account_id) on delete cascade,
  auth_time timestamptz not null,
  auth_method text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  consent_window_at timestamptz not null default now(),
  consents_in_window integer not null default 0,
  ip text,
  user_agent text,
  constraint sessions_expires_after_created check (expires_at > created_at)
);
create index sessions_of_account on mcp_data.sessions (account_id);
create index sessions_by_expiry on mcp_data.sessions (expires_at);

-- Pre-registered OAuth clients. Other kinds are not stored: they live in the snapshots of transactions and connections.
-- Loopback redirects stand here without a port; any port may be used (RFC 8252 §7.3).
create table mcp_data.clients (
  client_id text not null constraint clients_pkey primary key
    constraint clients_client_id_is_short check (length(client_id) between 1 and 2048),
  client_name text not null constraint clients_name_is_short check (length(client_name) between 1 and 200),
  redirect_uris text[] not null constraint clients_have_a_redirect_uri check (cardinality(redirect_uris) between 1 and 32),
  token_endpoint_auth_method text not null default 'none'
    constraint clients_auth_method_is_known
    check (token_endpoint_auth_method in ('none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt')),
  grant_types text[] not null default array['authorization_code', 'refresh_token']
    constraint clients_grant_types_are_known check (grant_types <@ array['authorization_code', 'refresh_token']),
  client_uri text,
  created_at timestamptz not null default now(),
  blocked_at timestamptz,
  blocked_reason text
);

-- Kill switch for clients that have no row (M12): the SHA-256 of the client_id.
create table mcp_data.blocked_clients (
  client_id_digest bytea not null constraint blocked_clients_pkey primary key
    constraint blocked_clients_digest_is_32_bytes check (octet_length(client_id_digest) = 32),
  reason text not null,
  blocked_at timestamptz not null default now()
);

-- Registered MCP servers (SECURITY §23, HTTP-API "Server management"). server_url never changes. A deleted one stays as a
-- tombstone for 90 days, so that nothing of it comes back with a new registration (J25).
create table mcp_data.servers (
  server_id text not null constraint servers_pkey primary key
    constraint servers_server_id_has_its_shape check (server_id ~ '^srv_[0-9A-Za-z]{22}$'),
  server_url text not null constraint servers_server_url_is_absolute check (server_url ~ '^https?://[^/?#@]+'),
  server_origin text generated always as (substring(server_url from '^https?://[^/?#]+')) stored,
  server_name text not null constraint servers_name_is_short check (length(server_name) between 1 and 200),
  description text constraint servers_description_is_short check (length(description) <= 2000),
  logo_url text,
  -- [{name, description, required, default}] in the owner's order; scope_names repeats the names for the hot paths.
  scopes jsonb not null constraint servers_scopes_are_a_list check (jsonb_typeof(scopes) = 'array'),
  scope_names text[] not null constraint servers_have_at_most_64_scopes check (cardinality(scope_names) <= 64),
  status text not null constraint servers_status_is_known check (status in ('pending', 'verified', 'suspended', 'deleted')),
  owner_account_id uuid references mcp_data.accounts (account_id) on delete set null,
  offered_to_user_id text,
  token_lifetime_seconds integer
    constraint servers_token_lifetime_is_5_to_60_minutes check (token_lifetime_seconds between 300 and 3600),
  share_email boolean not null default true,
  client_policy text not null default 'any'
    constraint servers_client_policy_is_known check (client_policy in ('any', 'not_dynamic', 'pre_registered')),
  created_at timestamptz not null default now(),
  verified_at timestamptz,
  suspended_at timestamptz,
  suspended_reason text,
  deleted_at timestamptz,
  constraint servers_verified_have_a_time check (status <> 'verified' or verified_at is not null),
  constraint servers_deleted_have_a_time check ((status = 'deleted') = (deleted_at is not null)),
  constraint servers_reserved_scope_names_are_free
    check (not scope_names && array['openid', 'profile', 'email', 'offline_access', '*'])
);
-- One verified server per URL (N9, J10); several may wait for it.
create unique index servers_one_verified_per_url on mcp_data.servers (server_url) where status = 'verified';
create index servers_by_url on mcp_data.servers (server_url) where status <> 'deleted';
create index servers_by_origin on mcp_data.servers (server_origin) where status = 'verified';
create index servers_of_owner on mcp_data.servers (owner_account_id) where status <> 'deleted';

-- The credential of a server that no owner account holds yet.
create table mcp_data.management_tokens (
  public_part text not null constraint management_tokens_pkey primary key
    constraint management_tokens_public_part_has_its_shape check (public_part ~ '^[0-9A-Za-z]{12}$'),
  server_id text not null references mcp_data.servers (server_id) on delete cascade,
  token_digest bytea not null constraint management_tokens_digest_is_32_bytes check (octet_length(token_digest) = 32),
  token_kid text not null constraint management_tokens_kid_is_short check (length(token_kid) between 1 and 64),
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);
create index management_tokens_of_server on mcp_data.management_tokens (server_id);

-- API keys (SECURITY §3): PBKDF2 digests, compared in the call that uses them.
create table mcp_data.server_keys (
  key_id text not null constraint server_keys_pkey primary key
    constraint server_keys_key_id_has_its_shape check (key_id ~ '^key_[0-9A-Za-z]{12}$'),
  server_id text not null references mcp_data.servers (server_id) on delete cascade,
  key_digest bytea not null constraint server_keys_digest_is_32_bytes check (octet_length(key_digest) = 32),
  key_kid text not null constraint server_keys_kid_is_short check (length(key_kid) between 1 and 64),
  name text not null constraint server_keys_name_is_short check (length(name) between 1 and 200),
  last_four text not null constraint server_keys_last_four_are_four check (length(last_four) = 4),
  created_at timestamptz not null default now(),
  expires_at timestamptz constraint server_keys_expires_after_created check (expires_at > created_at),
  last_used_at timestamptz,
  last_refused_at timestamptz,
  revoked_at timestamptz
) with (fillfactor = 80);
create index server_keys_of_server on mcp_data.server_keys (server_id);

-- Authorization transactions (SECURITY §8): ten minutes, bound to one browser's cookie, decided once.
create table mcp_data.transactions (
  transaction_id text not null constraint transactions_pkey primary key
    constraint transactions_transaction_id_has_its_shape check (transaction_id ~ '^[0-9A-Za-z_-]{22}$'),
  browser_digest bytea not null constraint transactions_browser_digest_is_32_bytes check (octet_length(browser_digest) = 32),
  browser_kid text not null constraint transactions_browser_kid_is_short check (length(browser_kid) between 1 and 64),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  client jsonb not null constraint transactions_client_is_an_object check (jsonb_typeof(client) = 'object'),
  client_id text not null,
  can_refresh boolean not null,
  redirect_uri text not null,
  redirect_trust text not null constraint transactions_redirect_trust_is_known check (redirect_trust in ('proven', 'unproven')),
  resource text not null,
  requested_resource text,
  resource_kind text not null constraint transactions_resource_kind_is_known check (resource_kind in ('server', 'management', 'identity')),
  server_id text references mcp_data.servers (server_id) on delete cascade,
  requested_scopes text[] not null,
  identity_scopes text[] not null,
  code_challenge text not null constraint transactions_code_challenge_is_s256 check (length(code_challenge) = 43),
  state text,
  nonce text,
  login_hint text,
  -- prompt=login and max_age: a sign-in before this moment is not enough.
  minimum_auth_time timestamptz,
  access_seconds integer not null,
  -- The account the page was shown for; consent of another one does not count.
  account_id uuid references mcp_data.accounts (account_id) on delete cascade,
  decided_at timestamptz,
  decision text constraint transactions_decision_is_known check (decision in ('approved', 'denied')),
  constraint transactions_expires_after_created check (expires_at > created_at),
  constraint transactions_decision_has_a_time check ((decision is null) = (decided_at is null)),
  constraint transactions_server_fits_kind check ((resource_kind = 'server') = (server_id is not null))
);
create index transactions_of_browser on mcp_data.transactions (browser_digest);
create index transactions_by_expiry on mcp_data.transactions (expires_at);

-- The newest e-mail code of a transaction, and no other (SECURITY §15).
create table mcp_data.email_challenges (
  transaction_id text not null constraint email_challenges_pkey primary key
    references mcp_data.transactions (transaction_id) on delete cascade,
  email text not null constraint email_challenges_email_is_an_address check (length(email) between 3 and 254),
  code_digest bytea not null constraint email_challenges_digest_is_32_bytes check (octet_length(code_digest) = 32),
  code_kid text not null constraint email_challenges_kid_is_short check (length(code_kid) between 1 and 64),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  attempts integer not null default 0,
  attempts_allowed integer not null constraint email_challenges_attempts_are_bounded check (attempts_allowed between 1 and 20),
  constraint email_challenges_expires_after_created check (expires_at > created_at),
  constraint email_challenges_attempts_stay_within check (attempts between 0 and attempts_allowed)
);

-- Connections: one authorization of one person for one install of one client at one server. The row holds the code, then
-- the refresh token's current generation (decision 4): no row per token. Nothing that rotates is indexed, so a refresh
-- updates in place (decision 14).
create table mcp_data.connections (
  connection_id text not null constraint connections_pkey primary key
    constraint connections_connection_id_has_its_shape check (connection_id ~ '^[0-9A-Za-z_-]{22}$'),
  account_id uuid not null references mcp_data.accounts (account_id) on delete cascade,
  client_id text not null constraint connections_client_id_is_short check (length(client_id) between 1 and 2048),
  client_id_digest bytea not null constraint connections_client_id_digest_is_32_bytes check (octet_length(client_id_digest) = 32),
  client jsonb not null constraint connections_client_is_an_object check (jsonb_typeof(client) = 'object'),
  client_kind text not null constraint connections_client_kind_is_known
    check (client_kind in ('pre_registered', 'metadata_document', 'dynamic')),
  can_refresh boolean not null,
  redirect_uri text not null,
  resource text not null constraint connections_resource_is_not_empty check (length(resource) > 0),
  requested_resource text,
  resource_kind text not null constraint connections_resource_kind_is_known check (resource_kind in ('server', 'management', 'identity')),
  server_id text references mcp_data.servers (server_id) on delete cascade,
  scopes text[] not null,
  -- Whether the consent page said that the server learns the e-mail.
  email_shared boolean not null,
  issuer_epoch integer not null,
  auth_time timestamptz not null,
  auth_method text not null,
  nonce text,
  created_at timestamptz not null default now(),
  consented_at timestamptz not null,
  code_digest bytea not null constraint connections_code_digest_is_32_bytes check (octet_length(code_digest) = 32),
  code_kid text not null constraint connections_code_kid_is_short check (length(code_kid) between 1 and 64),
  code_challenge text not null constraint connections_code_challenge_is_s256 check (length(code_challenge) = 43),
  code_expires_at timestamptz not null,
  code_redeemed_at timestamptz,
  generation integer not null default 0 constraint connections_generation_is_not_negative check (generation >= 0),
  refresh_digest bytea constraint connections_refresh_digest_is_32_bytes check (octet_length(refresh_digest) = 32),
  refresh_kid text constraint connections_refresh_kid_is_short check (length(refresh_kid) between 1 and 64),
  previous_digest bytea constraint connections_previous_digest_is_32_bytes check (octet_length(previous_digest) = 32),
  -- The first 8 bytes of the digests of the last 32 generations before the previous one, newest first: enough to tell an
  -- old token (reuse, the connection dies) from an invented one (nothing happens), without growing.
  older_digests bytea not null default ''
    constraint connections_older_digests_are_bounded check (octet_length(older_digests) <= 256),
  rotated_at timestamptz,
  retries integer not null default 0,
  successor_ciphertext bytea constraint connections_successor_ciphertext_is_short check (octet_length(successor_ciphertext) <= 512),
  refresh_idle_seconds integer not null,
  refresh_idle_expires_at timestamptz not null,
  refresh_expires_at timestamptz not null,
  refresh_window_at timestamptz,
  refreshes_in_window integer not null default 0,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_reason text,
  constraint connections_code_expires_after_created check (code_expires_at > created_at),
  constraint connections_refresh_expires_after_created check (refresh_expires_at > created_at),
  constraint connections_server_fits_kind check ((resource_kind = 'server') = (server_id is not null)),
  constraint connections_revocation_has_a_reason check ((revoked_at is null) = (revoked_reason is null)),
  constraint connections_refresh_digest_has_a_kid check ((refresh_digest is null) = (refresh_kid is null))
) with (fillfactor = 80);
create index connections_of_account on mcp_data.connections (account_id, server_id);
create index connections_of_server on mcp_data.connections (server_id);
create index connections_by_expiry on mcp_data.connections (refresh_expires_at);
create index connections_revoked on mcp_data.connections (revoked_at) where revoked_at is not null;
create index connections_not_redeemed on mcp_data.connections (code_expires_at) where code_redeemed_at is null;

-- Durable limits (SECURITY "Limits", those marked D): the moments of the last hits of one subject, so windows slide. The
-- subject (an address, an IP) is not readable here.
create table mcp_data.limits (
  subject_digest bytea not null constraint limits_pkey primary key
    constraint limits_digest_is_32_bytes check (octet_length(subject_digest) = 32),
  kind text not null,
  hits timestamptz[] not null default '{}' constraint limits_hits_are_bounded check (cardinality(hits) <= 1000),
  expires_at timestamptz not null
);
create index limits_by_expiry on mcp_data.limits (expires_at);

-- Audit events (SECURITY §28): by month, insert only. A month without its own partition lands in the default one.
create table mcp_data.audit_events (
  event_id uuid not null default gen_random_uuid(),
  occurred_at timestamptz not null default now(),
  event text not null constraint audit_events_event_has_its_shape check (event ~ '^[a-z_]+\.[a-z_]+$'),
  reason text,
  account_id uuid,
  client_id text,
  server_id text,
  connection_id text,
  request_id text,
  ip text,
  user_agent text,
  detail jsonb
) partition by range (occurred_at);
create table mcp_data.audit_events_default partition of mcp_data.audit_events default;
create index audit_events_of_server on mcp_data.audit_events (server_id, occurred_at) where server_id is not null;
create index audit_events_of_account on mcp_data.audit_events (account_id, occurred_at) where account_id is not null;
-- Not even our own functions change or remove an event; clean_up drops whole months.
revoke update, delete, truncate on mcp_data.audit_events from mcp_owner;

-- The second line of defence (SECURITY §27): on and forced on every table, one policy each. The first line is that nobody
-- but mcp_owner has any privilege on schema mcp_data.
do $$
declare
  v_table regclass;
begin
  for v_table in
    select c.oid::regclass from pg_catalog.pg_class c
    where c.relnamespace = 'mcp_data'::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format('alter table %s enable row level security', v_table);
    execute format('alter table %s force row level security', v_table);
    execute format('create policy owner_only on %s to mcp_owner using (true) with check (true)', v_table);
  end loop;
end $$;

-- The account of an e-mail that was just verified, made if there is none (ARCHITECTURE decision 7). Internal.
-- A Supabase user with that confirmed e-mail gives the id; if it has an account under an earlier e-mail, it moves with the user.
create or replace function mcp_data.account_of_verified_email(p_email text) returns mcp_data.accounts
language plpgsql set search_path = '' as $$
declare
  v_account mcp_data.accounts;
begin
  select * into v_account from mcp_data.accounts where email = p_email;
  if found then
    return v_account;
  end if;
  insert into mcp_data.accounts as a (account_id, email, email_verified_at)
  values (coalesce(mcp_data.find_auth_user(p_email), gen_random_uuid()), p_email, now())
  on conflict (account_id) do update set email = excluded.email, email_verified_at = excluded.email_verified_at
  returning * into v_account;
  return v_account;
exception when unique_violation then
  -- Another call made it meanwhile.
  select * into strict v_account from mcp_data.accounts where email = p_email;
  return v_account;
end $$;

-- Writes an audit event (SECURITY §28). Internal: nobody may execute it but mcp_owner's own functions.
create or replace function mcp_data.add_event(p_event text, p_reason text, p_account_id uuid, p_client_id text, p_server_id text,
  p_connection_id text, p_detail jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  insert into mcp_data.audit_events
    (event, reason, account_id, client_id, server_id, connection_id, detail, request_id, ip, user_agent)
  values (p_event, p_reason, p_account_id, p_client_id, p_server_id, p_connection_id, p_detail,
    left(p_request->>'request_id', 100), left(p_request->>'ip', 64), left(p_request->>'user_agent', 400));
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
    refresh_idle_expires_at, refresh_expires_at)
  select p_connection_id, p_account_id, t.client_id, sha256(convert_to(t.client_id, 'UTF8')), t.client, t.client->>'kind',
    t.can_refresh, t.redirect_uri, t.resource, t.requested_resource, t.resource_kind, t.server_id, p_scopes,
    coalesce((select s.share_email from mcp_data.servers s where s.server_id = t.server_id), true), e.issuer_epoch,
    p_auth_time, p_auth_method, t.nonce, p_consented_at, p_code_digest, p_kid, t.code_challenge,
    now() + make_interval(secs => (p_lifetimes->>'code_seconds')::integer), (p_lifetimes->>'refresh_idle_seconds')::integer,
    now() + make_interval(secs => (p_lifetimes->>'refresh_idle_seconds')::integer), now() + make_interval(secs => t.access_seconds)
  from mcp_data.settings e;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'approved', 'redirect_uri', t.redirect_uri, 'state', t.state,
    'client', t.client, 'scopes', to_jsonb(p_scopes)));
end $$;

-- Whether the client of a snapshot may act (M12): a pre-registered one by its row, others by the list of blocked ones. Internal.
create or replace function mcp_data.check_client(p_client jsonb, out can_refresh boolean, out refusal text)
language plpgsql stable set search_path = '' as $$
declare
  v_blocked_at timestamptz;
begin
  can_refresh := coalesce(p_client->'grant_types' ? 'refresh_token', true);
  if exists (select from mcp_data.blocked_clients b
    where b.client_id_digest = sha256(convert_to(p_client->>'client_id', 'UTF8'))) then
    refusal := 'client_blocked';
  elsif p_client->>'kind' = 'pre_registered' then
    select 'refresh_token' = any(c.grant_types), c.blocked_at into can_refresh, v_blocked_at
    from mcp_data.clients c where c.client_id = p_client->>'client_id';
    refusal := case when not found then 'client_unknown' when v_blocked_at is not null then 'client_blocked' end;
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
    perform mcp_data.add_event('limit.hit', 'servers', p_account_id, null, null, null, null, p_request);
    return jsonb_build_object('outcome', 'limited', 'reason', 'servers');
  end if;
  v_wait := mcp_data.take_limit('owner_write', p_account_id::text, array[3600], array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  return null;
end $$;

-- Which resource an authorization request is for (RFC 8707, HTTP-API "Authorization", K1-K5). Internal.
-- Gives kind and server, or a refusal with its reason. Longest registered prefix first; an origin alone stands for the one
-- server that lives on it. A server whose URL is not proven exists for its signed-in owner only (J8).
create or replace function mcp_data.choose_resource(p_candidates text[], p_is_origin boolean, p_issuer text, p_account_id uuid,
  out kind text, out server mcp_data.servers, out reason text)
language plpgsql stable set search_path = '' as $$
begin
  if coalesce(cardinality(p_candidates), 0) = 0 or p_candidates[1] = p_issuer then
    kind := 'identity';
    return;
  end if;
  if p_candidates[1] = p_issuer || '/api' then
    kind := 'management';
    return;
  end if;
  select s.* into server from mcp_data.servers s
  where s.server_url = any(p_candidates)
    and (s.status = 'verified' or (s.status = 'pending' and s.owner_account_id = p_account_id))
  order by length(s.server_url) desc, (s.status = 'verified') desc, s.created_at limit 1;
  if server.server_id is null and p_is_origin then
    select s.* into server from mcp_data.servers s
    where s.server_origin = p_candidates[1] and s.status = 'verified'
      and not exists (select from mcp_data.servers o
        where o.server_origin = s.server_origin and o.status = 'verified' and o.server_id <> s.server_id);
  end if;
  if server.server_id is not null then
    kind := 'server';
    return;
  end if;
  select case max(case s.status when 'pending' then 2 else 1 end) when 2 then 'resource_unverified' else 'resource_suspended' end
    into reason
  from mcp_data.servers s where s.server_url = any(p_candidates) and s.status in ('pending', 'suspended') having count(*) > 0;
  reason := coalesce(reason, 'resource_unknown');
end $$;

-- The scopes an authorization request is about (RFC 6749 §3.3, HTTP-API "Authorization"). Internal.
-- None asked: the catalogue's defaults. Unknown ones are dropped; if nothing is left, server_scopes is null. Required ones
-- are always among them.
create or replace function mcp_data.choose_scopes(p_asked text[], p_resource_kind text, p_catalogue jsonb,
  out server_scopes text[], out identity_scopes text[])
language plpgsql immutable set search_path = '' as $$
declare
  v_catalogue jsonb := case p_resource_kind when 'server' then p_catalogue when 'management' then mcp_data.management_scopes() else '[]' end;
  v_nothing_asked boolean := coalesce(cardinality(p_asked), 0) = 0;
begin
  identity_scopes := array(select i from unnest(mcp_data.identity_scopes()) i where i = any(p_asked));
  if p_resource_kind = 'identity' and cardinality(identity_scopes) = 0 then
    return;
  end if;
  if not v_nothing_asked and cardinality(identity_scopes) = 0 and not exists (
    select from jsonb_array_elements(v_catalogue) e where e->>'name' = any(p_asked)) then
    return;
  end if;
  server_scopes := array(
    select e.entry->>'name' from jsonb_array_elements(v_catalogue) with ordinality as e (entry, place)
    where e.entry->>'name' = any(p_asked) or coalesce((e.entry->>'required')::boolean, false)
      or (v_nothing_asked and coalesce((e.entry->>'default')::boolean, true))
    order by e.place);
end $$;

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

-- A server's policy about clients (A36): `any`, `not_dynamic` or `pre_registered`. Internal. No policy allows all.
create or replace function mcp_data.client_policy_allows(p_policy text, p_client_kind text) returns boolean
language plpgsql immutable set search_path = '' as $$
begin
  return coalesce(case p_policy
    when 'pre_registered' then p_client_kind = 'pre_registered'
    when 'not_dynamic' then p_client_kind <> 'dynamic' end, true);
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

-- At most 10 consent decisions a minute and session (SECURITY "Limits"). Internal. Null: counted.
create or replace function mcp_data.count_consent(p_session_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_count integer;
  v_window_at timestamptz;
begin
  update mcp_data.sessions s set
    consents_in_window = case when s.consent_window_at > now() - interval '1 minute' then s.consents_in_window + 1 else 1 end,
    consent_window_at = case when s.consent_window_at > now() - interval '1 minute' then s.consent_window_at else now() end
  where s.session_id = p_session_id
  returning s.consents_in_window, s.consent_window_at into v_count, v_window_at;
  if v_count <= 10 then
    return null;
  end if;
  return jsonb_build_object('outcome', 'limited',
    'retry_after_seconds', greatest(1, ceil(extract(epoch from v_window_at + interval '1 minute' - now()))::integer));
end $$;

-- Counts a refused call that presented a real token (G15), and writes the event of one from a foreign client (G7). Internal.
create or replace function mcp_data.count_refresh(p_connection mcp_data.connections, p_age text, p_refusal text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  if p_age is null then
    return;
  end if;
  update mcp_data.connections set
    refreshes_in_window = case when refresh_window_at > now() - interval '1 minute' then refreshes_in_window + 1 else 1 end,
    refresh_window_at = case when refresh_window_at > now() - interval '1 minute' then refresh_window_at else now() end
  where connection_id = p_connection.connection_id;
  if p_refusal = 'client_mismatch' then
    perform mcp_data.add_event('refresh.reused', p_refusal, p_connection.account_id, p_connection.client_id, p_connection.server_id,
      p_connection.connection_id, null, p_request);
  end if;
end $$;

-- Makes an API key for a server (SECURITY §3; J4, J5, J24). Its secret is never here, only the derived digest.
-- outcomes: created {key} · limited {reason, retry_after_seconds?} · not_found · caller_unknown · scope_missing {scope}
create or replace function mcp.create_key(p_server_id text, p_caller jsonb, p_key jsonb, p_limits jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  k mcp_data.server_keys;
  v_wait integer;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'keys:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- Locks the server, so that parallel calls are counted one after the other.
  perform from mcp_data.servers s
  where s.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id and s.status <> 'deleted'
  for no key update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if (p_limits->>'keys')::integer <= (select count(*) from mcp_data.server_keys x
    where x.server_id = p_server_id and x.revoked_at is null and (x.expires_at is null or x.expires_at > now())) then
    perform mcp_data.add_event('limit.hit', 'keys', v_caller.account_id, null, p_server_id, null, null, p_request);
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
  return jsonb_build_object('outcome', 'created', 'key', jsonb_strip_nulls(jsonb_build_object('key_id', k.key_id, 'name', k.name,
    'created_at_seconds', floor(extract(epoch from k.created_at))::bigint, 'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint)));
end $$;
grant execute on function mcp.create_key(text, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

-- The person's decision (SECURITY §8, §11; A29, A30, B11). Exactly one wins: the transaction's row is locked first.
-- Approval makes the connection, which holds the code. Identity scopes that were asked for come with any approval, required
-- scopes too; with every scope of the server unticked the answer is no.
-- outcomes: approved {redirect_uri, state?, client, scopes} · denied {redirect_uri, state?, client} · transaction_gone {reason} ·
--   sign_in · scope_not_requested · resource_gone · limited {retry_after_seconds}
create or replace function mcp.decide_consent(p_transaction_id text, p_browser_digests bytea[], p_session_digests bytea[],
  p_session_idle_seconds integer, p_decision text, p_scopes text[], p_connection_id text, p_code_digest bytea, p_kid text,
  p_lifetimes jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  v_session record;
  v_refusal jsonb;
  v_catalogue jsonb;
  v_granted text[];
begin
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_refusal := mcp_data.transaction_gone(t, p_browser_digests);
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
  if p_decision = 'approve' and not mcp_data.resource_is_alive(t) then
    return jsonb_build_object('outcome', 'resource_gone');
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
  update mcp_data.servers s set status = 'deleted', deleted_at = now()
  where s.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id and s.status <> 'deleted';
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  update mcp_data.management_tokens set revoked_at = now() where server_id = p_server_id and revoked_at is null;
  update mcp_data.server_keys set revoked_at = now() where server_id = p_server_id and revoked_at is null;
  update mcp_data.connections set revoked_at = now(), revoked_reason = 'server_deleted', successor_ciphertext = null
  where server_id = p_server_id and revoked_at is null;
  -- One event says it for all connections: their number is not bounded.
  perform mcp_data.add_event('server.suspended', 'server_deleted', v_caller.account_id, null, p_server_id, null, null, p_request);
  return jsonb_build_object('outcome', 'deleted');
end $$;
grant execute on function mcp.delete_server(text, jsonb, jsonb) to mcp_worker;

-- What the Worker needs to sign the tokens of a connection. Internal.
create or replace function mcp_data.describe_connection(p_connection mcp_data.connections, p_email text, p_name text, p_scopes text[],
  p_token_lifetime_seconds integer, p_issuer_epoch integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object(
    'connection_id', p_connection.connection_id,
    'account_id', p_connection.account_id,
    'email', case when 'email' = any(p_scopes) then p_email end,
    'email_verified', case when 'email' = any(p_scopes) then true end,
    'name', case when 'profile' = any(p_scopes) then p_name end,
    'client_id', p_connection.client_id,
    'resource', p_connection.resource,
    'server_id', p_connection.server_id,
    'scopes', to_jsonb(p_scopes),
    'nonce', p_connection.nonce,
    'auth_time_seconds', floor(extract(epoch from p_connection.auth_time))::bigint,
    'auth_method', p_connection.auth_method,
    'issued_at_seconds', floor(extract(epoch from now()))::bigint,
    'generation', p_connection.generation,
    'can_refresh', p_connection.can_refresh,
    'refresh_expires_at_seconds', floor(extract(epoch from
      least(p_connection.refresh_idle_expires_at, p_connection.refresh_expires_at)))::bigint,
    'epoch', p_issuer_epoch
  )) || jsonb_build_object('access_token_seconds', p_token_lifetime_seconds);
end $$;

-- A server as its owner sees it. Internal.
create or replace function mcp_data.describe_server(s mcp_data.servers) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('server_id', s.server_id, 'server_url', s.server_url, 'server_name', s.server_name,
    'description', s.description, 'logo_url', s.logo_url, 'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names),
    'status', s.status, 'created_at_seconds', floor(extract(epoch from s.created_at))::bigint,
    'verified_at_seconds', floor(extract(epoch from s.verified_at))::bigint, 'token_lifetime_seconds', s.token_lifetime_seconds,
    'share_email', s.share_email, 'client_policy', s.client_policy, 'owner', s.owner_account_id is not null));
end $$;

-- Drops audit months that ended before this moment, and the default partition's rows from before it. Internal. Gives their number.
create or replace function mcp_data.drop_audit_partitions(p_before timestamptz, p_batch integer) returns integer
language plpgsql set search_path = '' as $$
declare
  v_name text;
  v_count integer := 0;
begin
  for v_name in
    select c.relname from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'mcp_data.audit_events'::regclass and c.relname ~ '^audit_events_[0-9]{4}_[0-9]{2}$'
      and make_timestamptz(substring(c.relname from 14 for 4)::integer, substring(c.relname from 19 for 2)::integer, 1, 0, 0, 0, 'UTC')
        + interval '1 month' <= p_before
  loop
    execute format('drop table mcp_data.%I', v_name);
    v_count := v_count + 1;
  end loop;
  delete from mcp_data.audit_events_default d
  where d.event_id in (select x.event_id from mcp_data.audit_events_default x where x.occurred_at < p_before limit p_batch);
  return v_count;
end $$;

-- What a connection is worth now (SECURITY §20, G10, J16): granted, still registered, and asked for if anything was. Internal.
-- Gives the granted order. A scope added to a server after consent was not granted, so it is not in it.
create or replace function mcp_data.effective_scopes(p_granted text[], p_resource_kind text, p_registered text[], p_asked text[]) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return array(
    select g.scope from unnest(p_granted) with ordinality as g (scope, place)
    where (g.scope = any(p_registered) or g.scope = any(mcp_data.identity_scopes())
        or (p_resource_kind = 'management' and g.scope in ('servers:read', 'servers:write', 'keys:write')))
      and (p_asked is null or g.scope = any(p_asked))
    order by g.place);
end $$;

-- Signs a browser out (SECURITY §9). With a transaction of that browser, the transaction goes back to sign-in.
-- outcomes: ended · no_session
create or replace function mcp.end_session(p_session_digests bytea[], p_transaction_id text, p_browser_digests bytea[],
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_account_id uuid;
begin
  if p_transaction_id is not null then
    update mcp_data.transactions set account_id = null
    where transaction_id = p_transaction_id and browser_digest = any(p_browser_digests) and decided_at is null;
  end if;
  update mcp_data.sessions set ended_at = now()
  where session_digest = any(p_session_digests) and ended_at is null and expires_at > now()
  returning account_id into v_account_id;
  if not found then
    return jsonb_build_object('outcome', 'no_session');
  end if;
  perform mcp_data.add_event('session.ended', 'signed_out', v_account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'ended');
end $$;
grant execute on function mcp.end_session(bytea[], text, bytea[], jsonb) to mcp_worker;

-- Redeems an authorization code (OAuth 2.1 §4.1.3, RFC 7636 §4.6; F1-F10, F26-F28). Who presents it, with what, is proven
-- before its use is looked at: so a stranger neither burns a code nor kills its tokens, and a proven second use does kill them.
-- outcomes: exchanged {connection} · code_unknown · client_mismatch · redirect_uri_mismatch · verifier_mismatch · code_replayed ·
--   code_expired · connection_revoked · account_disabled · client_blocked · server_unavailable · resource_mismatch · scope_exceeded
create or replace function mcp.exchange_authorization_code(p_connection_id text, p_code_digests bytea[], p_client_id text, p_redirect_uri text,
  p_code_challenge text, p_resource_candidates text[], p_scope text[], p_refresh_digest bytea, p_kid text,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
  v_refusal text;
begin
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
    when not s.client_policy_allows then 'client_blocked'
    when not mcp_data.resource_fits(c, p_resource_candidates) then 'resource_mismatch'
    when cardinality(p_scope) > 0 and not p_scope <@ c.scopes then 'scope_exceeded' end;
  if v_refusal is not null then
    perform mcp_data.refuse_code(c, v_refusal, p_request);
    return jsonb_build_object('outcome', v_refusal);
  end if;
  update mcp_data.connections set code_redeemed_at = now(), last_used_at = now(), generation = 1,
    refresh_digest = case when can_refresh then p_refresh_digest end, refresh_kid = case when can_refresh then p_kid end,
    refresh_idle_expires_at = now() + make_interval(secs => refresh_idle_seconds)
  where connection_id = p_connection_id returning * into c;
  perform mcp_data.add_event('authorization_code.redeemed', null, c.account_id, c.client_id, c.server_id, c.connection_id, null, p_request);
  return jsonb_build_object('outcome', 'exchanged', 'connection', mcp_data.describe_connection(c, s.email, s.name,
    mcp_data.effective_scopes(c.scopes, c.resource_kind, s.registered_scopes, nullif(p_scope, '{}')),
    s.token_lifetime_seconds, s.issuer_epoch));
end $$;
grant execute on function mcp.exchange_authorization_code(text, bytea[], text, text, text, text[], text[], bytea, text, jsonb) to mcp_worker;

-- The server with this id if the caller may manage it (J3: by id and owner together), else an empty row. Internal.
create or replace function mcp_data.find_own_server(p_server_id text, p_account_id uuid, p_own_server_id text) returns mcp_data.servers
language plpgsql stable set search_path = '' as $$
declare
  v_server mcp_data.servers;
begin
  select * into v_server from mcp_data.servers s
  where s.server_id = p_server_id and s.status <> 'deleted'
    and (s.owner_account_id = p_account_id or s.server_id = p_own_server_id);
  return v_server;
end $$;

-- A pre-registered client (HTTP-API "Client registration").
-- outcomes: found {client} · unknown · blocked
create or replace function mcp.get_client(p_client_id text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  c mcp_data.clients;
begin
  select * into c from mcp_data.clients where client_id = p_client_id;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  if c.blocked_at is not null or exists (
    select from mcp_data.blocked_clients b where b.client_id_digest = sha256(convert_to(p_client_id, 'UTF8'))) then
    return jsonb_build_object('outcome', 'blocked');
  end if;
  return jsonb_build_object('outcome', 'found', 'client', jsonb_strip_nulls(jsonb_build_object(
    'client_id', c.client_id, 'client_name', c.client_name, 'redirect_uris', c.redirect_uris,
    'token_endpoint_auth_method', c.token_endpoint_auth_method, 'grant_types', c.grant_types,
    'kind', 'pre_registered', 'client_uri', c.client_uri)));
end $$;
grant execute on function mcp.get_client(text) to mcp_worker;

-- The scopes that belong to no server's catalogue (HTTP-API "Authorization"). Internal.
create or replace function mcp_data.identity_scopes() returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return array['openid', 'profile', 'email', 'offline_access'];
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

-- Whether a durable limit is used up, counting nothing. Internal.
create or replace function mcp_data.limit_is_reached(p_kind text, p_subject text, p_window_seconds integer, p_maximum integer) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return p_maximum <= (
    select count(*) from mcp_data.limits l, unnest(l.hits) h
    where l.subject_digest = sha256(convert_to(p_kind || ':' || p_subject, 'UTF8'))
      and h > now() - make_interval(secs => p_window_seconds));
end $$;

-- The API keys of a server, newest first, without secrets (J5). At most 100.
-- outcomes: found {keys} · not_found · caller_unknown · scope_missing {scope}
create or replace function mcp.list_keys(p_server_id text, p_caller jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  if (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'found', 'keys', (
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('key_id', k.key_id, 'name', k.name, 'last_four', k.last_four,
        'created_at_seconds', floor(extract(epoch from k.created_at))::bigint,
        'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint,
        'last_used_at_seconds', floor(extract(epoch from k.last_used_at))::bigint,
        'revoked_at_seconds', floor(extract(epoch from k.revoked_at))::bigint)) order by k.created_at desc, k.key_id), '[]')
    from (select * from mcp_data.server_keys x where x.server_id = p_server_id order by x.created_at desc limit 100) k));
end $$;
grant execute on function mcp.list_keys(text, jsonb) to mcp_worker;

-- The caller's servers, newest first, at most 100 (J24).
-- outcomes: found {servers} · caller_unknown · scope_missing {scope}
create or replace function mcp.list_servers(p_caller jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  return jsonb_build_object('outcome', 'found', 'servers', (
    select coalesce(jsonb_agg(mcp_data.describe_server(s) order by s.created_at desc, s.server_id), '[]')
    from (select * from mcp_data.servers x
      where x.status <> 'deleted' and (x.owner_account_id = v_caller.account_id or x.server_id = v_caller.server_id)
      order by x.created_at desc limit 100) s));
end $$;
grant execute on function mcp.list_servers(jsonb) to mcp_worker;

-- Makes the audit partition of the month of this moment, if it is missing (SECURITY §28). Internal. Rows of that month which
-- already lie in the default partition keep it there: PostgreSQL would refuse the new one.
create or replace function mcp_data.make_audit_partition(p_moment timestamptz) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_start timestamptz := date_trunc('month', p_moment, 'UTC');
  v_end timestamptz := date_trunc('month', v_start + interval '40 days', 'UTC');
  v_name text := 'audit_events_' || to_char(v_start at time zone 'UTC', 'YYYY_MM');
begin
  if to_regclass('mcp_data.' || v_name) is not null
    or exists (select from mcp_data.audit_events_default d where d.occurred_at >= v_start and d.occurred_at < v_end) then
    return false;
  end if;
  execute format('create table mcp_data.%I partition of mcp_data.audit_events for values from (%L) to (%L)', v_name, v_start, v_end);
  execute format('alter table mcp_data.%I enable row level security', v_name);
  execute format('alter table mcp_data.%I force row level security', v_name);
  execute format('create policy owner_only on mcp_data.%I to mcp_owner using (true) with check (true)', v_name);
  return true;
end $$;

-- The catalogue of our own API, the resource ISSUER/api (HTTP-API "Server management"). Internal.
create or replace function mcp_data.management_scopes() returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return '[{"name": "servers:read", "description": "See your registered servers", "required": false, "default": true},
           {"name": "servers:write", "description": "Register, change and delete your servers", "required": false, "default": true},
           {"name": "keys:write", "description": "Make and revoke API keys of your servers", "required": false, "default": true}]';
end $$;

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
  t.access_seconds := (p_lifetimes->>'refresh_absolute_seconds')::integer;
  t.minimum_auth_time := case when p_authorization->'prompt' ? 'login' then now()
    else now() - make_interval(secs => (p_authorization->>'max_age_seconds')::integer) end;
  return t;
end $$;

-- Opens an authorization transaction once client and redirect URI are proven (SECURITY §8, §11; RFC 8707; RFC 6749 §3.3).
-- One call: client liveness, resource, scopes, session, remembered consent, and the write. With prompt=none nothing is
-- written: the answer says what a person would have to do.
-- (Plans are kept by a session from its first calls on: one made for an empty table must not read a full one through.)
-- outcomes: client_unknown · client_blocked · invalid_target {reason} · invalid_scope {reason} ·
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
    return jsonb_build_object('outcome', 'invalid_target', 'reason', v_resource.reason);
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

-- What the hosted copy of a server's protected-resource metadata says (RFC 9728). Verified servers only (J8).
-- outcomes: found {server_id, resource, server_name, scopes} · not_found
create or replace function mcp.read_protected_resource(p_server_id text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  s mcp_data.servers;
begin
  select * into s from mcp_data.servers where server_id = p_server_id and status = 'verified';
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'found', 'server_id', s.server_id, 'resource', s.server_url,
    'server_name', s.server_name, 'scopes', to_jsonb(s.scope_names));
end $$;
grant execute on function mcp.read_protected_resource(text) to mcp_worker;

-- Whether the database answers, and with which schema (HTTP-API, GET /ready).
-- outcomes: ready {schema_version}
create or replace function mcp.read_readiness() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'ready', 'schema_version', e.schema_version) from mcp_data.settings e);
end $$;
grant execute on function mcp.read_readiness() to mcp_worker;

-- One server (HTTP-API "Server management"; J3). All of it for who manages it, the public facts for everybody else.
-- outcomes: found {server, public?} · not_found · caller_unknown · scope_missing {scope}
create or replace function mcp.read_server(p_server_id text, p_caller jsonb default null) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_caller record;
  s mcp_data.servers;
begin
  if p_caller is not null and p_caller <> 'null' then
    v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
    if v_caller.refusal is not null then
      return v_caller.refusal;
    end if;
    s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
    if s.server_id is not null then
      return jsonb_build_object('outcome', 'found', 'server', mcp_data.describe_server(s));
    end if;
  end if;
  select * into s from mcp_data.servers where server_id = p_server_id and status <> 'deleted';
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'found', 'public', true, 'server', jsonb_build_object('server_id', s.server_id,
    'server_url', s.server_url, 'server_name', s.server_name, 'status', s.status,
    'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names)));
end $$;
grant execute on function mcp.read_server(text, jsonb) to mcp_worker;

-- What to show for a transaction now (SECURITY §8). Showing the consent page binds the transaction to the account on it.
-- outcomes: sign_in {transaction, email_code_sent, email?, attempts_left?} · consent {the same} · transaction_gone {reason}
create or replace function mcp.read_transaction(p_transaction_id text, p_browser_digests bytea[], p_session_digests bytea[],
  p_session_idle_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  c mcp_data.email_challenges;
  v_session record;
  v_answer jsonb;
begin
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id;
  v_answer := mcp_data.transaction_gone(t, p_browser_digests);
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
grant execute on function mcp.read_transaction(text, bytea[], bytea[], integer) to mcp_worker;

-- The person behind an access token (OpenID Connect Core §5.3). The Worker has checked signature and expiry, and gives out by scope.
-- outcomes: found {sub, scopes, email, email_verified, name?} · inactive {reason}
create or replace function mcp.read_userinfo(p_connection_id text, p_epoch integer, p_scope text[]) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
  v_reason text;
begin
  select * into s from mcp_data.connection_state(p_connection_id);
  c := s.connection;
  v_reason := case
    when c.connection_id is null or c.code_redeemed_at is null then 'connection_unknown'
    when p_epoch is distinct from s.issuer_epoch then 'epoch_mismatch'
    when c.refresh_expires_at <= now() then 'connection_expired'
    else s.refusal end;
  if v_reason is not null then
    return jsonb_build_object('outcome', 'inactive', 'reason', v_reason);
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'sub', c.account_id, 'email', s.email, 'email_verified', true,
    'name', s.name, 'scopes', to_jsonb(mcp_data.effective_scopes(c.scopes, c.resource_kind, s.registered_scopes, coalesce(p_scope, '{}')))));
end $$;
grant execute on function mcp.read_userinfo(text, integer, text[]) to mcp_worker;

-- Writes an audit event that no other call writes, where a caller is known (SECURITY §28). `detail` may name account_id,
-- client_id, server_id and connection_id; they become columns.
-- outcomes: recorded
create or replace function mcp.record_event(p_event text, p_reason text, p_detail jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
begin
  perform mcp_data.add_event(p_event, p_reason, (p_detail->>'account_id')::uuid, p_detail->>'client_id', p_detail->>'server_id',
    p_detail->>'connection_id', nullif(p_detail - array['account_id', 'client_id', 'server_id', 'connection_id'], '{}'), p_request);
  return jsonb_build_object('outcome', 'recorded');
end $$;
grant execute on function mcp.record_event(text, text, jsonb, jsonb) to mcp_worker;

-- Which refresh token of a connection this is: current, previous, older (proven by the first 8 bytes of its digest), or null for
-- one that never was (or is too old to be told from that). Internal. The secret decides, the generation only names it.
create or replace function mcp_data.refresh_token_age(p_connection mcp_data.connections, p_generation integer, p_digests bytea[]) returns text
language plpgsql immutable set search_path = '' as $$
begin
  if p_generation = p_connection.generation then
    return case when p_connection.refresh_digest = any(p_digests) then 'current' end;
  end if;
  if p_generation = p_connection.generation - 1 then
    return case when p_connection.previous_digest = any(p_digests) then 'previous' end;
  end if;
  -- Also keeps the subtraction below within integers.
  if p_generation between p_connection.generation - 33 and p_connection.generation - 2 and exists (
    select from unnest(p_digests) d
    where substring(p_connection.older_digests from 8 * (p_connection.generation - 2 - p_generation) + 1 for 8) = substring(d from 1 for 8)) then
    return 'older';
  end if;
  return null;
end $$;

-- What follows from a refused code (F1, F2): a proven replay ends the connection, a wrong verifier is an event, nothing else
-- leaves a trace. Internal.
create or replace function mcp_data.refuse_code(p_connection mcp_data.connections, p_refusal text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  v_event text := case p_refusal when 'code_replayed' then 'authorization_code.replayed' when 'verifier_mismatch' then 'pkce.failed' end;
begin
  if v_event is null or p_connection.revoked_at is not null then
    return;
  end if;
  perform mcp_data.add_event(v_event, p_refusal, p_connection.account_id, p_connection.client_id, p_connection.server_id,
    p_connection.connection_id, null, p_request);
  if p_refusal = 'code_replayed' then
    perform mcp_data.revoke_connection(p_connection, p_refusal, p_request);
  end if;
end $$;

-- Answers a refused API key (H7). An event only where the secret was right, and at most once an hour and key, so that a
-- forgotten deployment writes no flood. Internal.
create or replace function mcp_data.refuse_key(p_key_id text, p_reason text, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_server_id text;
begin
  if p_reason <> 'key_unknown' then
    update mcp_data.server_keys set last_refused_at = now()
    where key_id = p_key_id and (last_refused_at is null or last_refused_at < now() - interval '1 hour')
    returning server_id into v_server_id;
    if found then
      perform mcp_data.add_event('key.refused', p_reason, null, null, v_server_id, null, jsonb_build_object('key_id', p_key_id), p_request);
    end if;
  end if;
  return jsonb_build_object('outcome', 'key_refused', 'reason', p_reason);
end $$;

-- Registers a server (HTTP-API "Server management"; J1, J2, J7, J8, N9, J24). Without a caller the management token is its
-- credential; with an owner's token the account owns it. `user_id` only asks that person. Status `verified` at once is for a
-- loopback issuer; there a URL that is held is taken.
-- outcomes: registered {server} · server_url_taken · limited {reason, retry_after_seconds?} · caller_unknown · scope_missing {scope}
create or replace function mcp.register_server(p_server_id text, p_server jsonb, p_status text, p_management jsonb, p_caller jsonb,
  p_limits jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_account_id uuid;
  v_limited jsonb;
  s mcp_data.servers;
begin
  if p_caller is not null and p_caller <> 'null' then
    v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
    if v_caller.refusal is not null or v_caller.account_id is null then
      -- A management token speaks for the one server it came with, never for a new one.
      return coalesce(v_caller.refusal, jsonb_build_object('outcome', 'caller_unknown'));
    end if;
    v_account_id := v_caller.account_id;
    v_limited := mcp_data.check_server_limits(v_account_id, p_limits, p_request);
    if v_limited is not null then
      return v_limited;
    end if;
  end if;
  insert into mcp_data.servers (server_id, server_url, server_name, description, logo_url, scopes, scope_names, status,
    owner_account_id, offered_to_user_id, token_lifetime_seconds, share_email, verified_at)
  values (p_server_id, p_server->>'server_url', p_server->>'server_name', p_server->>'description', p_server->>'logo_url',
    coalesce(p_server->'scopes', '[]'), mcp_data.scope_names(p_server->'scopes'), p_status, v_account_id,
    nullif(p_server->>'user_id', v_account_id::text), (p_server->>'token_lifetime_seconds')::integer,
    coalesce((p_server->>'share_email')::boolean, true), case when p_status = 'verified' then now() end)
  on conflict (server_url) where status = 'verified' do nothing
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'server_url_taken');
  end if;
  if p_management is not null and p_management <> 'null' then
    insert into mcp_data.management_tokens (public_part, server_id, token_digest, token_kid)
    values (p_management->>'public_part', p_server_id, (p_management->>'digest')::bytea, p_management->>'kid');
  end if;
  perform mcp_data.add_event('server.registered', null, v_account_id, null, p_server_id, null, null, p_request);
  if p_status = 'verified' then
    perform mcp_data.add_event('server.verified', 'loopback_issuer', v_account_id, null, p_server_id, null, null, p_request);
  end if;
  return jsonb_build_object('outcome', 'registered', 'server', mcp_data.describe_server(s));
end $$;
grant execute on function mcp.register_server(text, jsonb, text, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

-- When this person said yes to the same thing (SECURITY §11, B14), or null. Internal.
-- Same account, client, redirect URI and resource, no wider scopes, and the connection it made still lives. Consent is kept
-- nowhere else, so revoking the connection forgets it (B15).
create or replace function mcp_data.remembered_consent(p_transaction mcp_data.transactions, p_seconds integer) returns timestamptz
language plpgsql stable set search_path = '' as $$
begin
  return (
    select max(c.consented_at)
    from mcp_data.connections c
    left join mcp_data.servers s on s.server_id = c.server_id
    cross join mcp_data.settings e
    where c.account_id = p_transaction.account_id and c.server_id is not distinct from p_transaction.server_id
      and c.client_id = p_transaction.client_id and c.redirect_uri = p_transaction.redirect_uri
      and c.resource = p_transaction.resource and c.scopes @> (p_transaction.requested_scopes || p_transaction.identity_scopes)
      and c.revoked_at is null and c.code_redeemed_at is not null and c.issuer_epoch = e.issuer_epoch
      and c.refresh_expires_at > now() and c.consented_at > now() - make_interval(secs => p_seconds)
      and (c.email_shared or not coalesce(s.share_email, true)));
end $$;

-- Stores a session's digest under the newest pepper when it was found by an older one (SECURITY §6). Internal.
create or replace function mcp_data.renew_session_digest(p_session_id uuid, p_newest_digest bytea, p_newest_kid text) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.sessions set session_digest = p_newest_digest, session_kid = p_newest_kid
  where session_id = p_session_id and session_digest <> p_newest_digest;
end $$;

-- The entries of a catalogue that were asked for, in the catalogue's order. Internal.
create or replace function mcp_data.requested_catalogue(p_catalogue jsonb, p_scopes text[]) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('name', e.entry->>'name', 'description', coalesce(e.entry->>'description', ''),
      'required', coalesce((e.entry->>'required')::boolean, false), 'default', coalesce((e.entry->>'default')::boolean, true))
      order by e.place), '[]')
    from jsonb_array_elements(p_catalogue) with ordinality as e (entry, place)
    where e.entry->>'name' = any(p_scopes));
end $$;

-- Who calls the management API and whether that credential may do this (HTTP-API "Server management"; J1-J4). Internal.
-- A management token speaks for its one server; an owner's access token for all servers of the account, by scope. The refusal
-- is a whole answer: caller_unknown, or scope_missing {scope}.
create or replace function mcp_data.resolve_caller(p_caller jsonb, p_scope text, out account_id uuid, out server_id text, out refusal jsonb)
language plpgsql stable set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
begin
  refusal := jsonb_build_object('outcome', 'caller_unknown');
  if p_caller->>'kind' = 'management' then
    select m.server_id into server_id from mcp_data.management_tokens m
    join mcp_data.servers v on v.server_id = m.server_id
    where m.public_part = p_caller->>'public_part' and m.revoked_at is null and v.status <> 'deleted'
      and m.token_digest in (select d::bytea from unnest(mcp_data.text_array(p_caller->'digests')) d);
    if found then
      refusal := null;
    end if;
  elsif p_caller->>'kind' = 'connection' then
    select * into s from mcp_data.connection_state(p_caller->>'connection_id');
    c := s.connection;
    if c.connection_id is null or s.refusal is not null or c.resource_kind <> 'management' or c.code_redeemed_at is null
      or c.refresh_expires_at <= now() or (p_caller->>'epoch')::integer is distinct from s.issuer_epoch then
      return;
    end if;
    account_id := c.account_id;
    refusal := case when not p_scope = any(
      mcp_data.effective_scopes(c.scopes, c.resource_kind, '{}', mcp_data.text_array(p_caller->'scopes')))
      then jsonb_build_object('outcome', 'scope_missing', 'scope', p_scope) end;
  end if;
end $$;

-- Whether the `resource` of a token request names the connection's own resource (RFC 8707 §2.2, F27, G9). Internal.
-- Candidates are the canonical spelling first, then its prefixes at segment boundaries. A prefix counts only where the same
-- value at /authorize would have led here: not when a longer registered URL lies between.
create or replace function mcp_data.resource_fits(p_connection mcp_data.connections, p_candidates text[]) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if coalesce(cardinality(p_candidates), 0) = 0
    or p_candidates[1] in (p_connection.resource, p_connection.requested_resource) then
    return true;
  end if;
  return p_connection.resource_kind = 'server' and p_connection.resource = any(p_candidates) and not exists (
    select from mcp_data.servers s
    where s.server_url = any(p_candidates) and s.status = 'verified'
      and length(s.server_url) > length(p_connection.resource));
end $$;

-- Whether a transaction's resource and client may still be connected at the moment of consent (A35, F28). Internal.
create or replace function mcp_data.resource_is_alive(p_transaction mcp_data.transactions) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if (mcp_data.check_client(p_transaction.client)).refusal is not null then
    return false;
  end if;
  return p_transaction.server_id is null or exists (
    select from mcp_data.servers s where s.server_id = p_transaction.server_id
      and (s.status = 'verified' or (s.status = 'pending' and s.owner_account_id = p_transaction.account_id))
      and mcp_data.client_policy_allows(s.client_policy, p_transaction.client->>'kind'));
end $$;

-- Ends a connection, its code, its refresh tokens and so every access token (I3). Internal. The first reason stays.
create or replace function mcp_data.revoke_connection(p_connection mcp_data.connections, p_reason text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.connections c
  set revoked_at = now(), revoked_reason = p_reason, successor_ciphertext = null
  where c.connection_id = p_connection.connection_id and c.revoked_at is null;
  if found then
    perform mcp_data.add_event('connection.revoked', p_reason, p_connection.account_id, p_connection.client_id,
      p_connection.server_id, p_connection.connection_id, null, p_request);
  end if;
end $$;

-- Revokes an API key, effective on the next introspection (H7). Key, server and owner are matched together (J4); revoking
-- twice is fine.
-- outcomes: revoked · not_found · caller_unknown · scope_missing {scope}
create or replace function mcp.revoke_key(p_server_id text, p_key_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_revoked_at timestamptz;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'keys:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  select k.revoked_at into v_revoked_at from mcp_data.server_keys k
  where k.key_id = p_key_id
    and k.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id
  for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if v_revoked_at is null then
    update mcp_data.server_keys set revoked_at = now() where key_id = p_key_id;
    perform mcp_data.add_event('key.revoked', null, v_caller.account_id, null, p_server_id, null, jsonb_build_object('key_id', p_key_id), p_request);
  end if;
  return jsonb_build_object('outcome', 'revoked');
end $$;
grant execute on function mcp.revoke_key(text, text, jsonb, jsonb) to mcp_worker;

-- Revocation (RFC 7009 §2.1; I1-I3): either kind of token ends its whole connection. Digests null: an access token whose signature
-- the Worker has checked. A foreign client's, an unknown or a dead one: nothing happens, and nobody is told.
-- outcomes: revoked · nothing
create or replace function mcp.revoke_token(p_client_id text, p_connection_id text, p_refresh_digests bytea[], p_generation integer,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  c mcp_data.connections;
begin
  select * into c from mcp_data.connections where connection_id = p_connection_id for update;
  if not found or c.client_id is distinct from p_client_id or c.revoked_at is not null
    or (p_refresh_digests is not null and mcp_data.refresh_token_age(c, p_generation, p_refresh_digests) is null) then
    return jsonb_build_object('outcome', 'nothing');
  end if;
  perform mcp_data.revoke_connection(c, 'token_revoked', p_request);
  return jsonb_build_object('outcome', 'revoked');
end $$;
grant execute on function mcp.revoke_token(text, text, bytea[], integer, jsonb) to mcp_worker;

-- Uses a refresh token (SECURITY §18-20, OAuth 2.1 §4.3.1; G1-G16). The current one rotates; its immediate predecessor gets
-- the same successor again while that is unused, within the retry window; any other token that was once valid ends the
-- connection; an invented one changes nothing.
-- outcomes: rotated {connection} · retried {connection, successor_ciphertext} · refresh_reused · refresh_unknown · refresh_expired ·
--   client_mismatch · resource_mismatch · connection_revoked · account_disabled · client_blocked · server_unavailable ·
--   limited {retry_after_seconds}
create or replace function mcp.rotate_refresh_token(p_connection_id text, p_generation integer, p_token_digests bytea[], p_client_id text,
  p_resource_candidates text[], p_scope text[], p_successor_digest bytea, p_successor_ciphertext bytea, p_kid text, p_retry jsonb,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
  v_age text;
  v_refusal text;
  v_is_retry boolean;
  v_scopes text[];
begin
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
grant execute on function mcp.rotate_refresh_token(text, integer, bytea[], text, text[], text[], bytea, bytea, text, jsonb, jsonb) to mcp_worker;

-- The names of a scope catalogue, in its order. Internal.
create or replace function mcp_data.scope_names(p_catalogue jsonb) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return array(select e.entry->>'name' from jsonb_array_elements(coalesce(p_catalogue, '[]')) with ordinality as e (entry, place) order by e.place);
end $$;

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
  v_gone := mcp_data.transaction_gone(t, p_browser_digests);
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

-- The live session behind a cookie (SECURITY §9), by any of the digests of the presented value. Internal.
-- Idle and absolute limits by the database's clock; the last use is written at most once a minute.
create or replace function mcp_data.session_of(p_session_digests bytea[], p_idle_seconds integer,
  out session_id uuid, out account_id uuid, out email text, out auth_time timestamptz, out auth_method text)
language plpgsql set search_path = '' set enable_seqscan = off as $$
declare
  v_last_used_at timestamptz;
begin
  select s.session_id, s.account_id, a.email, s.auth_time, s.auth_method, s.last_used_at
    into session_id, account_id, email, auth_time, auth_method, v_last_used_at
  from mcp_data.sessions s join mcp_data.accounts a on a.account_id = s.account_id
  where s.session_digest = any(p_session_digests) and s.ended_at is null and s.expires_at > now()
    and s.last_used_at > now() - make_interval(secs => p_idle_seconds) and a.disabled_at is null
  limit 1;
  if v_last_used_at < now() - interval '1 minute' then
    update mcp_data.sessions s set last_used_at = now() where s.session_id = session_of.session_id;
  end if;
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
      'scopes', mcp_data.requested_catalogue(s.scopes, t.requested_scopes)));
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
    'connected_scopes', coalesce(v_connected, '{}'), 'access_seconds', t.access_seconds))
    || jsonb_build_object('server', v_server, 'account', case when p_account_id is not null
      then jsonb_build_object('account_id', p_account_id, 'email', p_email) end);
end $$;

-- Durable limits over sliding windows (SECURITY "Limits", D). Internal.
-- Counts one hit for the subject and gives 0, or counts nothing and gives the seconds to wait. The upsert locks the
-- subject's row, so parallel callers are counted one after the other.
create or replace function mcp_data.take_limit(p_kind text, p_subject text, p_windows integer[], p_maxima integer[]) returns integer
language plpgsql set search_path = '' as $$
declare
  v_digest bytea := sha256(convert_to(p_kind || ':' || p_subject, 'UTF8'));
  v_longest interval := make_interval(secs => (select max(w) from unnest(p_windows) w));
  v_hits timestamptz[];
  v_wait integer;
begin
  insert into mcp_data.limits as l (subject_digest, kind, expires_at) values (v_digest, p_kind, now() + v_longest)
    on conflict (subject_digest) do update set expires_at = excluded.expires_at
    returning l.hits into v_hits;
  -- With m hits in a window of which n are allowed, the wait ends when the (m - n + 1)th oldest has left it.
  select max(ceil(extract(epoch from w.freed_at - now())))::integer into v_wait
  from (select w.seconds, w.maximum, (
          select h + make_interval(secs => w.seconds) from unnest(v_hits) h
          where h > now() - make_interval(secs => w.seconds) order by h desc offset greatest(w.maximum, 1) - 1 limit 1) as freed_at
        from unnest(p_windows, p_maxima) as w (seconds, maximum)) w
  where w.freed_at is not null or w.maximum <= 0;
  if v_wait is not null or 0 >= any(p_maxima) then
    return greatest(coalesce(v_wait, extract(epoch from v_longest)::integer), 1);
  end if;
  update mcp_data.limits set hits = array(select h from unnest(hits) h where h > now() - v_longest order by h) || now()
  where subject_digest = v_digest;
  return 0;
end $$;

-- A JSON array of strings as text[]; anything else is the empty array. Internal.
create or replace function mcp_data.text_array(p_json jsonb) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  if jsonb_typeof(p_json) is distinct from 'array' then
    return '{}';
  end if;
  return array(select e.value from jsonb_array_elements_text(p_json) with ordinality as e (value, place) order by e.place);
end $$;

-- Why a transaction cannot go on, for this browser (SECURITY §8, A30, B11), or null when it can. Internal.
-- Another browser's transaction is as unknown as none.
create or replace function mcp_data.transaction_gone(p_transaction mcp_data.transactions, p_browser_digests bytea[]) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_reason text;
begin
  v_reason := case
    when p_transaction.transaction_id is null
      or not coalesce(p_transaction.browser_digest = any(p_browser_digests), false) then 'transaction_unknown'
    when p_transaction.decided_at is not null then 'transaction_decided'
    when p_transaction.expires_at <= now() then 'transaction_expired' end;
  if v_reason is null then
    return null;
  end if;
  return jsonb_build_object('outcome', 'transaction_gone', 'reason', v_reason);
end $$;

-- Changes a server; only the members that are given (J7, J16, J18: its URL, owner and status are not among them). A null
-- description, logo or lifetime removes it.
-- outcomes: updated {server} · limited {reason, retry_after_seconds} · not_found · caller_unknown · scope_missing {scope}
create or replace function mcp.update_server(p_server_id text, p_caller jsonb, p_changes jsonb, p_request jsonb default null) returns jsonb
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
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600], array[60]);
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
    client_policy = coalesce(p_changes->>'client_policy', x.client_policy)
  where x.server_id = p_server_id and x.status <> 'deleted'
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if s.scopes <> v_before.scopes then
    perform mcp_data.add_event('scopes.changed', null, v_caller.account_id, null, p_server_id, null,
      jsonb_build_object('before', v_before.scope_names, 'after', s.scope_names), p_request);
  end if;
  return jsonb_build_object('outcome', 'updated', 'server', mcp_data.describe_server(s));
end $$;
grant execute on function mcp.update_server(text, jsonb, jsonb, jsonb) to mcp_worker;

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
  v_gone := mcp_data.transaction_gone(t, p_browser_digests);
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

-- A redirect URI as it is compared between runs of one client: RFC 8252 §7.3 lets the port of a loopback vary. Internal.
create or replace function mcp_data.without_loopback_port(p_redirect_uri text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return regexp_replace(p_redirect_uri, '^(http://(?:localhost|127\.0\.0\.1|\[::1\])):[0-9]+', '\1');
end $$;

-- Pre-registered clients (HTTP-API "Client registration"): public, any loopback port. And this deployment's settings.
insert into mcp_data.settings (schema_version) values ('20261124000000');

insert into mcp_data.clients (client_id, client_name, redirect_uris)
select c.client_id, c.client_name, array['http://localhost/callback', 'http://localhost/oauth/callback',
  'http://127.0.0.1/callback', 'http://127.0.0.1/oauth/callback', 'http://[::1]/callback', 'http://[::1]/oauth/callback']
from (values ('client_claude_code', 'Claude Code'), ('client_install_mcp', 'install-mcp')) as c (client_id, client_name);

do $$
begin
  perform mcp_data.make_audit_partition(now() + make_interval(months => m)) from generate_series(0, 2) m;
end $$;

-- Back to the role that migrates, see roles.sql.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261125000000_every_client.sql

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

commit;
