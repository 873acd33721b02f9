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

-- migrations/20261126100000_interop.sql

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

-- migrations/20261126110000_documents.sql

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

-- migrations/20261126111000_server_proof.sql

-- The proof of a server's URL is counted for an owner and for authorizations apart, so that nobody keeps others from it
-- (HTTP-API "Proof of server_url").
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Whether a server's URL may be asked for its proof now: at most once a minute (HTTP-API "Proof of server_url"). An owner names
-- the server; at an authorization the URL is enough, for all that wait for it: its document says which of them it is. The two are
-- counted apart, so that nobody keeps others from it by asking. Whoever holds the URL learns of each claimant, once.
-- outcomes: due {server_url} · too_soon {retry_after_seconds} · verified {server} · suspended · not_found · caller_unknown ·
--   scope_missing {scope}
create or replace function mcp.begin_verification(p_server_id text, p_server_url text, p_caller jsonb, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
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
  v_wait := mcp_data.take_limit('server_proof', coalesce(p_server_id, p_server_url), array[60], array[1]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'too_soon', 'retry_after_seconds', v_wait);
  end if;
  -- In one order, as whoever finishes takes them.
  perform from mcp_data.servers v where v.server_url = s.server_url and v.status in ('pending', 'suspended')
    and (p_server_id is null or v.server_id = p_server_id) order by v.server_id for update;
  if p_server_id is not null and s.verification_begun_at is null then
    select * into v_holder from mcp_data.servers v where v.server_url = s.server_url and v.status = 'verified';
    if found then
      perform mcp_data.add_event('server.contested', null, v_holder.owner_account_id, null, v_holder.server_id, null,
        jsonb_build_object('by', s.server_id), p_request);
    end if;
  end if;
  update mcp_data.servers v set verification_begun_at = now()
  where v.server_url = s.server_url and v.status in ('pending', 'suspended') and (p_server_id is null or v.server_id = p_server_id);
  return jsonb_build_object('outcome', 'due', 'server_url', s.server_url);
end $$;
grant execute on function mcp.begin_verification(text, text, jsonb, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261126111000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261126120000_account.sql

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

-- migrations/20261126130000_owner.sql

-- Owners: servers that are offered and accepted, personal tokens, answers that may be asked for again (SECURITY §23; J1-J25).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

alter table mcp_data.servers
  -- To whom its owner offers it, in canonical form; a registration offers by the account's id.
  add column offered_to_email text constraint servers_offered_to_email_is_short check (length(offered_to_email) between 3 and 254);
alter table mcp_data.servers
  drop constraint servers_client_policy_is_known,
  add constraint servers_client_policy_is_known check (client_policy in ('any', 'not_dynamic', 'pre_registered', 'listed')),
  -- Whether server_client_rules has any of it, so that introspection need not look where there is none.
  add column has_client_rules boolean not null default false,
  -- How its URL is proven, when that was last looked at, since when it fails, and what was seen, word for word.
  add column proof_method text constraint servers_proof_method_is_known check (proof_method in ('document', 'dns', 'loopback')),
  add column proof_checked_at timestamptz,
  add column proof_failing_since timestamptz,
  add column proof_seen text;
-- Those that were proven before, by their document; http is a developer's machine, where nothing is proven.
update mcp_data.servers set proof_method = case when server_url ~ '^http:' then 'loopback' else 'document' end,
  proof_checked_at = verified_at where status = 'verified';
create index servers_by_proof_check on mcp_data.servers (proof_checked_at) where status = 'verified' and proof_method <> 'loopback';
create index servers_offered_to_user on mcp_data.servers (offered_to_user_id) where offered_to_user_id is not null;
create index servers_offered_to_email on mcp_data.servers (offered_to_email) where offered_to_email is not null;

-- Personal tokens (J19): an owner's credential for curl and CI, at most 90 days, for fewer scopes than the owner has.
create table mcp_data.personal_tokens (
  token_id text not null constraint personal_tokens_pkey primary key
    constraint personal_tokens_token_id_has_its_shape check (token_id ~ '^tok_[0-9A-Za-z]{12}$'),
  account_id uuid not null references mcp_data.accounts (account_id) on delete cascade,
  token_digest bytea not null constraint personal_tokens_digest_is_32_bytes check (octet_length(token_digest) = 32),
  token_kid text not null constraint personal_tokens_kid_is_short check (length(token_kid) between 1 and 64),
  name text not null constraint personal_tokens_name_is_short check (length(name) between 1 and 200),
  last_four text not null constraint personal_tokens_last_four_are_four check (length(last_four) = 4),
  scopes text[] not null constraint personal_tokens_scopes_are_known
    check (cardinality(scopes) > 0 and scopes <@ array['servers:read', 'servers:write', 'keys:write']),
  issuer_epoch integer not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null constraint personal_tokens_live_90_days
    check (expires_at > created_at and expires_at <= created_at + interval '90 days'),
  last_used_at timestamptz,
  revoked_at timestamptz
) with (fillfactor = 80);
create index personal_tokens_of_account on mcp_data.personal_tokens (account_id);

-- Answers that may be asked for again (draft-ietf-httpapi-idempotency-key-header): who, which key and which body made what. The
-- answer is made anew from the row it names, so that no secret is kept.
create table mcp_data.idempotency_keys (
  key_digest bytea not null constraint idempotency_keys_pkey primary key
    constraint idempotency_keys_digest_is_32_bytes check (octet_length(key_digest) = 32),
  body_digest bytea not null constraint idempotency_keys_body_digest_is_32_bytes check (octet_length(body_digest) = 32),
  made_id text not null,
  expires_at timestamptz not null
);
create index idempotency_keys_by_expiry on mcp_data.idempotency_keys (expires_at);

-- Which clients an owner lets in or keeps out (A36): one client, or all that a host vouches for or that redirect to it.
create table mcp_data.server_client_rules (
  rule_id text not null constraint server_client_rules_pkey primary key
    constraint server_client_rules_rule_id_has_its_shape check (rule_id ~ '^rul_[0-9A-Za-z]{12}$'),
  server_id text not null references mcp_data.servers (server_id) on delete cascade,
  effect text not null constraint server_client_rules_effect_is_known check (effect in ('allow', 'block')),
  client_id text constraint server_client_rules_client_id_is_short check (length(client_id) between 1 and 2048),
  host text constraint server_client_rules_host_is_short check (length(host) between 1 and 253),
  subject_digest bytea not null constraint server_client_rules_digest_is_32_bytes check (octet_length(subject_digest) = 32),
  created_at timestamptz not null default now(),
  constraint server_client_rules_name_one_subject check (num_nonnulls(client_id, host) = 1),
  constraint server_client_rules_one_a_subject unique (server_id, subject_digest)
);

alter table mcp_data.connections
  -- The browser transaction it came from, and the last refusal of one of its tokens: what an owner's diagnosis is made of.
  add column transaction_id text,
  add column refused_at timestamptz,
  add column refused_step text constraint connections_refused_step_is_known check (refused_step in ('token', 'refresh', 'introspection')),
  add column refused_reason text,
  add column refused_request_id text;
drop index mcp_data.connections_of_server;
create index connections_of_server on mcp_data.connections (server_id, created_at);
create index transactions_of_server on mcp_data.transactions (server_id, created_at) where server_id is not null;

-- The browser transaction it belongs to, so that the steps of one authorization are found together.
alter table mcp_data.audit_events add column transaction_id text;

-- What a server's owner sees of use (HTTP-API "usage"): counts a day and client, so it grows with days and clients and not with
-- tokens. Spread over eight rows each, so that connections of one client rarely wait for each other; no count is indexed, so that
-- counting updates in place (decision 14).
create table mcp_data.usage_days (
  server_id text not null references mcp_data.servers (server_id) on delete cascade,
  day date not null,
  client_id_digest bytea not null constraint usage_days_digest_is_32_bytes check (octet_length(client_id_digest) = 32),
  shard smallint not null constraint usage_days_shard_is_one_of_eight check (shard between 0 and 7),
  connected integer not null default 0,
  used integer not null default 0,
  refreshed integer not null default 0,
  active_minutes integer not null default 0,
  constraint usage_days_pkey primary key (server_id, day, client_id_digest, shard)
) with (fillfactor = 60);
create index usage_days_by_day on mcp_data.usage_days (day);

-- The names for those digests.
create table mcp_data.usage_clients (
  server_id text not null references mcp_data.servers (server_id) on delete cascade,
  client_id_digest bytea not null constraint usage_clients_digest_is_32_bytes check (octet_length(client_id_digest) = 32),
  client_id text not null,
  client_name text not null,
  client_kind text not null,
  constraint usage_clients_pkey primary key (server_id, client_id_digest)
);

-- Where an owner wants to be told (HTTP-API "Webhooks"). The secret that signs is derived from the id, so it is nowhere stored.
create table mcp_data.webhooks (
  webhook_id text not null constraint webhooks_pkey primary key
    constraint webhooks_webhook_id_has_its_shape check (webhook_id ~ '^whk_[0-9A-Za-z]{12}$'),
  server_id text not null references mcp_data.servers (server_id) on delete cascade,
  url text not null constraint webhooks_url_is_absolute check (url ~ '^https?://' and length(url) <= 2048),
  kid text not null constraint webhooks_kid_is_short check (length(kid) between 1 and 64),
  events text[] not null constraint webhooks_have_events check (cardinality(events) between 1 and 16),
  created_at timestamptz not null default now()
);
create index webhooks_of_server on mcp_data.webhooks (server_id);

-- Messages on their way: tried again with growing pauses, kept for a month so that they can be sent again.
create table mcp_data.webhook_messages (
  message_id text not null constraint webhook_messages_pkey primary key default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
  webhook_id text not null references mcp_data.webhooks (webhook_id) on delete cascade,
  payload jsonb not null,
  created_at timestamptz not null default now(),
  next_attempt_at timestamptz default now(),
  attempts integer not null default 0,
  delivered_at timestamptz,
  last_attempt_at timestamptz,
  last_seen text constraint webhook_messages_last_seen_is_short check (length(last_seen) <= 500)
);
create index webhook_messages_due on mcp_data.webhook_messages (next_attempt_at) where next_attempt_at is not null;
create index webhook_messages_of_webhook on mcp_data.webhook_messages (webhook_id, created_at);

-- Its owner was told that it will end.
alter table mcp_data.server_keys add column expiry_told_at timestamptz;
create index server_keys_by_expiry on mcp_data.server_keys (expires_at) where expires_at is not null and expiry_told_at is null;

-- Row level security for the new tables (SECURITY §27).
do $$
declare
  v_table regclass;
begin
  for v_table in
    select c.oid::regclass from pg_catalog.pg_class c
    where c.relnamespace = 'mcp_data'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity
  loop
    execute format('alter table %s enable row level security', v_table);
    execute format('alter table %s force row level security', v_table);
    execute format('create policy owner_only on %s to mcp_owner using (true) with check (true)', v_table);
  end loop;
end $$;

-- Each gets one more argument, so the old ones go.
drop function mcp.register_server(text, jsonb, text, jsonb, jsonb, jsonb, jsonb);
drop function mcp.create_key(text, jsonb, jsonb, jsonb, jsonb);
drop function mcp.finish_verification(text, text, jsonb);

-- An API key as its owner sees it: never its secret (J5). Internal.
create or replace function mcp_data.describe_key(k mcp_data.server_keys) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('key_id', k.key_id, 'name', k.name, 'last_four', k.last_four,
    'created_at_seconds', floor(extract(epoch from k.created_at))::bigint,
    'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint,
    'last_used_at_seconds', floor(extract(epoch from k.last_used_at))::bigint,
    'revoked_at_seconds', floor(extract(epoch from k.revoked_at))::bigint));
end $$;

-- A personal token as its owner sees it: never its secret (J5, J19). Internal.
create or replace function mcp_data.describe_personal_token(t mcp_data.personal_tokens) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('token_id', t.token_id, 'name', t.name, 'last_four', t.last_four, 'scopes', to_jsonb(t.scopes),
    'created_at_seconds', floor(extract(epoch from t.created_at))::bigint,
    'expires_at_seconds', floor(extract(epoch from t.expires_at))::bigint,
    'last_used_at_seconds', floor(extract(epoch from t.last_used_at))::bigint,
    'revoked_at_seconds', floor(extract(epoch from t.revoked_at))::bigint));
end $$;

-- A server as its owner sees it. Internal.
create or replace function mcp_data.describe_server(s mcp_data.servers) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('server_id', s.server_id, 'server_url', s.server_url, 'server_name', s.server_name,
    'description', s.description, 'logo_url', s.logo_url, 'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names),
    'status', s.status, 'created_at_seconds', floor(extract(epoch from s.created_at))::bigint,
    'verified_at_seconds', floor(extract(epoch from s.verified_at))::bigint, 'token_lifetime_seconds', s.token_lifetime_seconds,
    'share_email', s.share_email, 'client_policy', s.client_policy, 'owner', s.owner_account_id is not null,
    'proof', nullif(jsonb_strip_nulls(jsonb_build_object('method', case when s.status = 'verified' then nullif(s.proof_method, 'loopback') end,
      'checked_at_seconds', floor(extract(epoch from s.proof_checked_at))::bigint,
      'failing_since_seconds', floor(extract(epoch from s.proof_failing_since))::bigint, 'seen', s.proof_seen)), '{}'),
    'offered_to', coalesce(s.offered_to_email, s.offered_to_user_id)));
end $$;

-- The account behind an owner's access token for our own API, with what the token is worth (HTTP-API "Server management").
-- Internal. No row: the token is worth nothing.
create or replace function mcp_data.connection_caller(p_caller jsonb) returns table (account_id uuid, scopes text[], auth_time timestamptz)
language plpgsql stable rows 1 set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
begin
  select * into s from mcp_data.connection_state(p_caller->>'connection_id');
  c := s.connection;
  if c.connection_id is null or s.refusal is not null or c.resource_kind <> 'management' or c.code_redeemed_at is null
    or c.refresh_expires_at <= now() or (p_caller->>'epoch')::integer is distinct from s.issuer_epoch then
    return;
  end if;
  return query select c.account_id,
    mcp_data.effective_scopes(c.scopes, c.resource_kind, '{}', mcp_data.text_array(p_caller->'scopes')), c.auth_time;
end $$;

-- The account behind a personal token (J19). Internal. No row: it never was, is revoked, has expired, or its account is disabled.
-- The last use is written at most once a minute.
create or replace function mcp_data.personal_caller(p_caller jsonb) returns table (account_id uuid, scopes text[])
language plpgsql rows 1 set search_path = '' as $$
declare
  t mcp_data.personal_tokens;
begin
  select x.* into t from mcp_data.personal_tokens x
  join mcp_data.accounts a on a.account_id = x.account_id
  cross join mcp_data.settings e
  where x.token_id = p_caller->>'token_id' and x.revoked_at is null and x.expires_at > now() and x.issuer_epoch = e.issuer_epoch
    and a.disabled_at is null and x.token_digest in (select d::bytea from unnest(mcp_data.text_array(p_caller->'digests')) d);
  if not found then
    return;
  end if;
  if t.last_used_at is null or t.last_used_at < now() - interval '1 minute' then
    update mcp_data.personal_tokens x set last_used_at = now() where x.token_id = t.token_id;
  end if;
  return query select t.account_id, t.scopes;
end $$;

-- Who calls the management API and whether that credential may do this (HTTP-API "Server management"; J1-J4, J19, J22). Internal.
-- A management token speaks for its one server; an owner's access token, personal token or session for all servers of the account,
-- by scope. The refusal is a whole answer: caller_unknown, scope_missing {scope}; sign_in or not_fresh for a session.
create or replace function mcp_data.resolve_caller(p_caller jsonb, p_scope text, out account_id uuid, out server_id text, out refusal jsonb)
language plpgsql set search_path = '' as $$
declare
  v_person record;
  v_scopes text[];
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
    return;
  elsif p_caller->>'kind' = 'session' then
    -- Only our own pages make this kind: /api reads no cookie (J20).
    v_person := mcp_data.person_of((select array_agg(d::bytea) from unnest(mcp_data.text_array(p_caller->'digests')) d),
      (p_caller->>'idle_seconds')::integer, (p_caller->>'fresh_seconds')::integer);
    account_id := v_person.account_id;
    refusal := v_person.refusal;
    return;
  elsif p_caller->>'kind' = 'connection' then
    select c.account_id, c.scopes into account_id, v_scopes from mcp_data.connection_caller(p_caller) c;
  elsif p_caller->>'kind' = 'personal' then
    select t.account_id, t.scopes into account_id, v_scopes from mcp_data.personal_caller(p_caller) t;
  end if;
  if account_id is not null then
    refusal := case when not coalesce(p_scope = any(v_scopes), false)
      then jsonb_build_object('outcome', 'scope_missing', 'scope', p_scope) end;
  end if;
end $$;

-- Like resolve_caller, for what only a person can do: a management token, which speaks for a server, is unknown here. Internal.
create or replace function mcp_data.resolve_owner(p_caller jsonb, p_scope text, out account_id uuid, out email text, out refusal jsonb)
language plpgsql set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, p_scope);
  account_id := v_caller.account_id;
  email := (select a.email from mcp_data.accounts a where a.account_id = v_caller.account_id);
  refusal := case when v_caller.refusal is not null then v_caller.refusal
    when account_id is null then jsonb_build_object('outcome', 'caller_unknown') end;
end $$;

-- What an idempotency key has made before (draft-ietf-httpapi-idempotency-key-header §2.6), or `is_mismatch` when it came with another
-- body. Internal. Locks the key until the end of the call, so that of two at once the second sees what the first made.
create or replace function mcp_data.made_before(p_idempotency jsonb, out made_id text, out is_mismatch boolean)
language plpgsql set search_path = '' as $$
declare
  k mcp_data.idempotency_keys;
begin
  is_mismatch := false;
  if p_idempotency->>'key_digest' is null then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended(p_idempotency->>'key_digest', 0));
  select * into k from mcp_data.idempotency_keys x
  where x.key_digest = (p_idempotency->>'key_digest')::bytea and x.expires_at > now();
  made_id := k.made_id;
  is_mismatch := found and k.body_digest <> (p_idempotency->>'body_digest')::bytea;
end $$;

-- Remembers for a day what an idempotency key has made. Internal.
create or replace function mcp_data.keep_idempotency_key(p_idempotency jsonb, p_made_id text) returns void
language plpgsql set search_path = '' as $$
begin
  if p_idempotency->>'key_digest' is null then
    return;
  end if;
  insert into mcp_data.idempotency_keys as x (key_digest, body_digest, made_id, expires_at)
  values ((p_idempotency->>'key_digest')::bytea, (p_idempotency->>'body_digest')::bytea, p_made_id, now() + interval '1 day')
  on conflict (key_digest) do update set body_digest = excluded.body_digest, made_id = excluded.made_id, expires_at = excluded.expires_at;
end $$;

-- Whether a server is offered to this person: by the account's id, or by its verified address (J2). Internal.
create or replace function mcp_data.offered_to(p_server mcp_data.servers, p_account_id uuid, p_email text) returns boolean
language plpgsql immutable set search_path = '' as $$
begin
  return p_server.status <> 'deleted' and p_server.owner_account_id is distinct from p_account_id
    and (coalesce(p_server.offered_to_user_id = p_account_id::text, false) or coalesce(p_server.offered_to_email = p_email, false));
end $$;

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
    owner_account_id, offered_to_user_id, token_lifetime_seconds, share_email, verified_at, proof_method)
  values (p_server_id, p_server->>'server_url', p_server->>'server_name', p_server->>'description', p_server->>'logo_url',
    coalesce(p_server->'scopes', '[]'), mcp_data.scope_names(p_server->'scopes'), p_status, v_account_id,
    nullif(p_server->>'user_id', v_account_id::text), (p_server->>'token_lifetime_seconds')::integer,
    coalesce((p_server->>'share_email')::boolean, true), case when p_status = 'verified' then now() end,
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
  elsif v_before.made_id is not null then
    select * into k from mcp_data.server_keys x where x.key_id = v_before.made_id and x.server_id = p_server_id and x.revoked_at is null;
    return case when found then jsonb_build_object('outcome', 'created', 'key', mcp_data.describe_key(k), 'replayed', true,
        'secret_is_same', k.key_digest = (p_key->>'digest')::bytea)
      else jsonb_build_object('outcome', 'not_found') end;
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
  perform mcp_data.keep_idempotency_key(p_idempotency, k.key_id);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'created', 'key', mcp_data.describe_key(k), 'secret_is_same', true,
    'notice', mcp_data.addressee(s.owner_account_id)));
end $$;
grant execute on function mcp.create_key(text, jsonb, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

-- The API keys of a server, newest first, without secrets (J5). At most 100.
-- outcomes: found {keys} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_keys(p_server_id text, p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
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
    select coalesce(jsonb_agg(mcp_data.describe_key(k) order by k.created_at desc, k.key_id), '[]')
    from (select * from mcp_data.server_keys x where x.server_id = p_server_id order by x.created_at desc limit 100) k));
end $$;
grant execute on function mcp.list_keys(text, jsonb) to mcp_worker;

-- The caller's servers, newest first, at most 100 (J24).
-- outcomes: found {servers} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_servers(p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
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

-- One server (HTTP-API "Server management"; J3). All of it for who manages it, the public facts for everybody else.
-- outcomes: found {server, public?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.read_server(p_server_id text, p_caller jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
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

-- Revokes an API key, effective on the next introspection (H7). Key, server and owner are matched together (J4); revoking
-- twice is fine.
-- outcomes: revoked {notice?} · not_found · caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.revoke_key(p_server_id text, p_key_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_revoked_at timestamptz;
  s mcp_data.servers;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'keys:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  select k.revoked_at into v_revoked_at from mcp_data.server_keys k
  where k.key_id = p_key_id and k.server_id = s.server_id for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if v_revoked_at is null then
    update mcp_data.server_keys set revoked_at = now() where key_id = p_key_id;
    perform mcp_data.add_event('key.revoked', null, v_caller.account_id, null, p_server_id, null, jsonb_build_object('key_id', p_key_id), p_request);
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'revoked',
    'notice', case when v_revoked_at is null then mcp_data.addressee(s.owner_account_id) end));
end $$;
grant execute on function mcp.revoke_key(text, text, jsonb, jsonb) to mcp_worker;

-- Changes a server; only the members that are given (J7, J16, J18: its URL, owner and status are not among them). A null
-- description, logo or lifetime removes it.
-- outcomes: updated {server, notice?} · limited {reason, retry_after_seconds} · not_found · caller_unknown · scope_missing {scope} ·
--   sign_in · not_fresh
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
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'updated', 'server', mcp_data.describe_server(s),
    -- Scopes that grow are told (J22).
    'notice', case when not s.scope_names <@ v_before.scope_names then mcp_data.addressee(s.owner_account_id) end));
end $$;
grant execute on function mcp.update_server(text, jsonb, jsonb, jsonb) to mcp_worker;

-- Deletes a server (J25): its keys, management tokens and connections die at once, its row stays as a tombstone for 90 days.
-- outcomes: deleted {notice?} · not_found · caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.delete_server(p_server_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  s mcp_data.servers;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if not mcp_data.end_server(s.server_id, v_caller.account_id, p_request) then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'deleted', 'notice', mcp_data.addressee(s.owner_account_id)));
end $$;
grant execute on function mcp.delete_server(text, jsonb, jsonb) to mcp_worker;

-- Removes what has ended, at most p_batch rows a kind (decision 4), and keeps the audit months ahead. p_retention may hold
-- transaction_seconds, session_seconds, connection_seconds, key_seconds, pending_server_seconds, tombstone_seconds, audit_seconds, usage_seconds.
-- outcomes: cleaned {rows, more}
create or replace function mcp.clean_up(p_batch integer, p_retention jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  r jsonb := '{"transaction_seconds": 3600, "session_seconds": 86400, "connection_seconds": 2592000, "key_seconds": 7776000,
    "pending_server_seconds": 1209600, "tombstone_seconds": 7776000, "audit_seconds": 34560000, "usage_seconds": 34560000}'::jsonb || coalesce(p_retention, '{}');
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
  delete from mcp_data.idempotency_keys where key_digest = any(array(select x.key_digest from mcp_data.idempotency_keys x
    where x.expires_at < now() limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('idempotency_keys', v_count);
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
  delete from mcp_data.personal_tokens where token_id = any(array(select x.token_id from mcp_data.personal_tokens x
    where least(x.revoked_at, x.expires_at) < now() - make_interval(secs => (r->>'key_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('personal_tokens', v_count);
  delete from mcp_data.servers where server_id = any(array(select x.server_id from mcp_data.servers x
    where x.deleted_at < now() - make_interval(secs => (r->>'tombstone_seconds')::integer)
      or (x.status = 'pending' and x.owner_account_id is null
        and x.created_at < now() - make_interval(secs => (r->>'pending_server_seconds')::integer))
    limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('servers', v_count);
  delete from mcp_data.webhook_messages where message_id = any(array(select x.message_id from mcp_data.webhook_messages x
    where x.next_attempt_at is null and x.created_at < now() - make_interval(secs => (r->>'connection_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('webhook_messages', v_count);
  delete from mcp_data.usage_days where ctid = any(array(select x.ctid from mcp_data.usage_days x
    where x.day < (now() - make_interval(secs => (r->>'usage_seconds')::integer))::date limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('usage_days', v_count);
  v_rows := v_rows || jsonb_build_object('audit_months',
    mcp_data.drop_audit_partitions(now() - make_interval(secs => (r->>'audit_seconds')::integer), p_batch));
  for v_count in 0..2 loop
    perform mcp_data.make_audit_partition(now() + make_interval(months => v_count));
  end loop;
  return jsonb_build_object('outcome', 'cleaned', 'rows', v_rows,
    'more', exists (select from jsonb_each_text(v_rows) e where e.key <> 'audit_months' and e.value::integer >= p_batch));
end $$;
grant execute on function mcp.clean_up(integer, jsonb) to mcp_worker;

-- Makes a personal token (J19, J22, J24): by a fresh session, or by an access token of a fresh sign-in (RFC 9470), never by another
-- personal token, or a stolen one would live for ever. Its scopes are among the caller's. p_limits: tokens, writes_per_hour,
-- fresh_seconds.
-- outcomes: created {token, notice?} · not_allowed · limited {reason, retry_after_seconds?} · caller_unknown · scope_missing {scope} ·
--   sign_in · not_fresh
create or replace function mcp.create_personal_token(p_caller jsonb, p_token jsonb, p_limits jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_scope text;
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
  if (p_limits->>'tokens')::integer <= (select count(*) from mcp_data.personal_tokens x
    where x.account_id = v_owner.account_id and x.revoked_at is null and x.expires_at > now()) then
    perform mcp_data.add_event('limit.hit', 'tokens', v_owner.account_id, null, null, null, null, p_request);
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
  return jsonb_build_object('outcome', 'created', 'token', mcp_data.describe_personal_token(t),
    'notice', mcp_data.addressee(v_owner.account_id));
end $$;
grant execute on function mcp.create_personal_token(jsonb, jsonb, jsonb, jsonb) to mcp_worker;

-- The caller's personal tokens, newest first, at most 100, without secrets (J5, J19).
-- outcomes: found {tokens} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_personal_tokens(p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:read');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  return jsonb_build_object('outcome', 'found', 'tokens', (
    select coalesce(jsonb_agg(mcp_data.describe_personal_token(t) order by t.created_at desc, t.token_id), '[]')
    from (select * from mcp_data.personal_tokens x where x.account_id = v_owner.account_id
      order by x.created_at desc, x.token_id limit 100) t));
end $$;
grant execute on function mcp.list_personal_tokens(jsonb) to mcp_worker;

-- Revokes a personal token of the caller's account, effective at its next use (J19); a token may revoke itself, and twice is fine.
-- outcomes: revoked · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.revoke_personal_token(p_token_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_revoked_at timestamptz;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'keys:write');
  -- A token that leaked is revoked by whoever finds it, whatever it may do besides.
  if v_owner.refusal->>'outcome' = 'scope_missing' and p_caller->>'kind' = 'personal' and p_caller->>'token_id' = p_token_id then
    v_owner.refusal := null;
  end if;
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  select t.revoked_at into v_revoked_at from mcp_data.personal_tokens t
  where t.token_id = p_token_id and t.account_id = v_owner.account_id for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if v_revoked_at is null then
    update mcp_data.personal_tokens set revoked_at = now() where token_id = p_token_id;
    perform mcp_data.add_event('personal_token.revoked', null, v_owner.account_id, null, null, null,
      jsonb_build_object('token_id', p_token_id), p_request);
  end if;
  return jsonb_build_object('outcome', 'revoked');
end $$;
grant execute on function mcp.revoke_personal_token(text, jsonb, jsonb) to mcp_worker;

-- Offers a server to another person, by e-mail address (HTTP-API "Server management"); null takes every offer back. Nothing changes
-- hands until that person accepts. The answer is the same whether or not the address has an account; `notice` is for the mail.
-- outcomes: offered {server, notice?} · withdrawn {server} · own_address · limited {reason, retry_after_seconds} · not_found ·
--   caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.offer_server(p_server_id text, p_caller jsonb, p_email text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  s mcp_data.servers;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_email = (select a.email from mcp_data.accounts a where a.account_id = s.owner_account_id) then
    return jsonb_build_object('outcome', 'own_address');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600], array[60]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  update mcp_data.servers x set offered_to_email = p_email, offered_to_user_id = null
  where x.server_id = p_server_id and x.status <> 'deleted' and x.owner_account_id is not distinct from s.owner_account_id
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_email is null then
    return jsonb_build_object('outcome', 'withdrawn', 'server', mcp_data.describe_server(s));
  end if;
  perform mcp_data.add_event('server.offered', null, v_caller.account_id, null, p_server_id, null, null, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'offered', 'server', mcp_data.describe_server(s),
    'notice', (select mcp_data.addressee(a.account_id) from mcp_data.accounts a where a.email = p_email)));
end $$;
grant execute on function mcp.offer_server(text, jsonb, text, jsonb) to mcp_worker;

-- The servers that wait for this person to accept or decline them (J2), newest first, at most 100. `from_email` is the owner who
-- offers; absent where a stranger registered it in the person's name.
-- outcomes: found {offers} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_offers(p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:read');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  return jsonb_build_object('outcome', 'found', 'offers', (
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('server_id', s.server_id, 'server_url', s.server_url,
        'server_name', s.server_name, 'status', s.status, 'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names),
        'created_at_seconds', floor(extract(epoch from s.created_at))::bigint,
        'from_email', (select a.email from mcp_data.accounts a where a.account_id = s.owner_account_id)))
      order by s.created_at desc, s.server_id), '[]')
    from (select * from mcp_data.servers x
      where (x.offered_to_user_id = v_owner.account_id::text or x.offered_to_email = v_owner.email)
        and mcp_data.offered_to(x, v_owner.account_id, v_owner.email)
      order by x.created_at desc limit 100) s));
end $$;
grant execute on function mcp.list_offers(jsonb) to mcp_worker;

-- Accepts a server that is offered (HTTP-API "Server management"; J2, J24): the account holds it from now on, its management tokens
-- end, and so do its API keys where that is asked. The row is locked first: of two that accept, one gets it.
-- outcomes: accepted {server, former?} · limited {reason, retry_after_seconds?} · not_found · caller_unknown · scope_missing {scope} ·
--   sign_in · not_fresh
create or replace function mcp.accept_server(p_server_id text, p_caller jsonb, p_revoke_keys boolean, p_limits jsonb,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_limited jsonb;
  v_before mcp_data.servers;
  s mcp_data.servers;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:write');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  select * into v_before from mcp_data.servers x where x.server_id = p_server_id for update;
  if v_before.server_id is null or not mcp_data.offered_to(v_before, v_owner.account_id, v_owner.email) then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  v_limited := mcp_data.check_server_limits(v_owner.account_id, p_limits, p_request);
  if v_limited is not null then
    return v_limited;
  end if;
  update mcp_data.servers x set owner_account_id = v_owner.account_id, offered_to_user_id = null, offered_to_email = null
  where x.server_id = p_server_id returning * into s;
  update mcp_data.management_tokens set revoked_at = now() where server_id = p_server_id and revoked_at is null;
  -- They would tell the former owner what happens here.
  delete from mcp_data.webhooks where server_id = p_server_id;
  if p_revoke_keys then
    update mcp_data.server_keys set revoked_at = now() where server_id = p_server_id and revoked_at is null;
  end if;
  perform mcp_data.add_event('server.accepted', null, v_owner.account_id, null, p_server_id, null,
    jsonb_build_object('keys_revoked', coalesce(p_revoke_keys, false)), p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'accepted', 'server', mcp_data.describe_server(s),
    'former', mcp_data.addressee(v_before.owner_account_id)));
end $$;
grant execute on function mcp.accept_server(text, jsonb, boolean, jsonb, jsonb) to mcp_worker;

-- Declines a server that is offered (J2): the offer is gone, and nothing else changes.
-- outcomes: declined · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.decline_server(p_server_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:write');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  update mcp_data.servers x set offered_to_user_id = null, offered_to_email = null
  where x.server_id = p_server_id and mcp_data.offered_to(x, v_owner.account_id, v_owner.email);
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('server.declined', null, v_owner.account_id, null, p_server_id, null, null, p_request);
  return jsonb_build_object('outcome', 'declined');
end $$;
grant execute on function mcp.decline_server(text, jsonb, jsonb) to mcp_worker;

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

-- Writes an audit event (SECURITY §28), and puts it on its way to the webhooks that want it. Internal: nobody may execute it but mcp_owner's own functions.
create or replace function mcp_data.add_event(p_event text, p_reason text, p_account_id uuid, p_client_id text, p_server_id text,
  p_connection_id text, p_detail jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  insert into mcp_data.audit_events
    (event, reason, account_id, client_id, server_id, connection_id, detail, request_id, ip, user_agent, country, transaction_id)
  values (p_event, p_reason, p_account_id, p_client_id, p_server_id, p_connection_id, p_detail,
    left(p_request->>'request_id', 100), left(p_request->>'ip', 64), left(p_request->>'user_agent', 400), left(p_request->>'country', 2),
    left(p_request->>'transaction_id', 22));
  if p_server_id is not null and mcp_data.webhook_event(p_event, p_reason) is not null then
    perform mcp_data.enqueue_webhooks(mcp_data.webhook_event(p_event, p_reason), p_reason, p_client_id, p_server_id, p_connection_id, p_detail);
  end if;
end $$;

-- Whether a use now is the first of its day (UTC) after that moment. Internal.
create or replace function mcp_data.is_first_use_of_day(p_last_used_at timestamptz) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce((p_last_used_at at time zone 'UTC')::date < (now() at time zone 'UTC')::date, true);
end $$;

-- Adds to the counts of a day and client (HTTP-API "usage"). Internal. Called where a connection's row is written anyway: at its first
-- code, at a refresh, and once a minute of use.
create or replace function mcp_data.count_usage_of(p_server_id text, p_client_id_digest bytea, p_connection_id text, p_connected integer,
  p_used integer, p_refreshed integer, p_active_minutes integer) returns void
language plpgsql set search_path = '' as $$
begin
  if p_server_id is null then
    return;
  end if;
  insert into mcp_data.usage_days as u (server_id, day, client_id_digest, shard, connected, used, refreshed, active_minutes)
  values (p_server_id, (now() at time zone 'UTC')::date, p_client_id_digest, hashtext(p_connection_id) & 7,
    p_connected, p_used, p_refreshed, p_active_minutes)
  on conflict (server_id, day, client_id_digest, shard) do update set connected = u.connected + excluded.connected,
    used = u.used + excluded.used, refreshed = u.refreshed + excluded.refreshed,
    active_minutes = u.active_minutes + excluded.active_minutes;
end $$;

-- Like count_usage_of, for a connection whose row is at hand; at its first code the client's name is kept too. Internal.
create or replace function mcp_data.count_usage(p_connection mcp_data.connections, p_connected integer, p_used integer,
  p_refreshed integer, p_active_minutes integer) returns void
language plpgsql set search_path = '' as $$
declare
  c alias for p_connection;
begin
  if p_connected > 0 and c.server_id is not null then
    insert into mcp_data.usage_clients (server_id, client_id_digest, client_id, client_name, client_kind)
    values (c.server_id, c.client_id_digest, c.client_id, c.client->>'client_name', c.client_kind)
    on conflict (server_id, client_id_digest) do nothing;
  end if;
  perform mcp_data.count_usage_of(c.server_id, c.client_id_digest, c.connection_id, p_connected, p_used, p_refreshed, p_active_minutes);
end $$;

-- Keeps the last refusal of a connection's tokens, at most one a minute, for the owner's diagnosis. Internal. Grows with nothing.
create or replace function mcp_data.note_refusal(p_connection mcp_data.connections, p_step text, p_reason text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.connections c set refused_at = now(), refused_step = p_step, refused_reason = p_reason,
    refused_request_id = left(p_request->>'request_id', 100)
  where c.connection_id = p_connection.connection_id and (c.refused_at is null or c.refused_at < now() - interval '1 minute');
end $$;

-- The hosts that stand for a client (A36): the one that publishes its metadata document, and the one it redirects to. Internal.
-- The first is the one that vouches for it.
create or replace function mcp_data.client_hosts(p_client_id text, p_client_kind text, p_redirect_uri text) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return array_remove(array[
    case when p_client_kind = 'metadata_document' then substring(p_client_id from '^https?://(\[[^]]+\]|[^/:?#]+)') end,
    substring(p_redirect_uri from '^https?://(\[[^]]+\]|[^/:?#]+)')], null);
end $$;

-- What a rule about clients is found by. Internal.
create or replace function mcp_data.rule_subject(p_kind text, p_value text) returns bytea
language plpgsql immutable set search_path = '' as $$
begin
  return sha256(convert_to(p_kind || ' ' || p_value, 'UTF8'));
end $$;

-- Whether a server's owner lets a client in (A36). Internal. The policy is `any`, `not_dynamic` (proven ones), `pre_registered` or
-- `listed`; a rule that blocks wins over everything, one that allows counts for `listed`, and then only for the host that vouches for
-- the client. No policy: no server, so anybody.
create or replace function mcp_data.client_is_allowed(p_server_id text, p_policy text, p_has_rules boolean, p_client_id text,
  p_client_kind text, p_redirect_uri text) returns boolean
language plpgsql stable set search_path = '' as $$
declare
  v_hosts text[];
  v_blocked boolean;
  v_allowed boolean;
begin
  if (p_policy = 'pre_registered' and p_client_kind <> 'pre_registered') or (p_policy = 'not_dynamic' and p_client_kind = 'dynamic') then
    return false;
  elsif not coalesce(p_has_rules, false) then
    return p_policy is distinct from 'listed';
  end if;
  v_hosts := mcp_data.client_hosts(p_client_id, p_client_kind, p_redirect_uri);
  select bool_or(r.effect = 'block'), bool_or(r.effect = 'allow' and (r.client_id is not null or r.host = v_hosts[1]))
  into v_blocked, v_allowed
  from mcp_data.server_client_rules r
  where r.server_id = p_server_id and r.subject_digest = any(
    mcp_data.rule_subject('client', p_client_id) || array(select mcp_data.rule_subject('host', h) from unnest(v_hosts) h));
  return not coalesce(v_blocked, false) and (p_policy <> 'listed' or coalesce(v_allowed, false));
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
    c.email_shared and coalesce(s.share_email, true), e.issuer_epoch, mcp_data.client_is_allowed(s.server_id, s.client_policy,
      s.has_client_rules, c.client_id, c.client_kind, c.redirect_uri),
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
    coalesce((select s.share_email from mcp_data.servers s where s.server_id = t.server_id), true), e.issuer_epoch,
    p_auth_time, p_auth_method, t.nonce, p_consented_at, p_code_digest, p_kid, t.code_challenge,
    now() + make_interval(secs => (p_lifetimes->>'code_seconds')::integer), (p_lifetimes->>'refresh_idle_seconds')::integer,
    now() + make_interval(secs => (p_lifetimes->>'refresh_idle_seconds')::integer), now() + make_interval(secs => t.access_seconds),
    coalesce(mcp_data.text_array(t.client->'key_thumbprints'), '{}'), left(p_request->>'user_agent', 400), left(p_request->>'country', 2),
    t.transaction_id
  from mcp_data.settings e;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'approved', 'redirect_uri', t.redirect_uri, 'state', t.state,
    'client', t.client, 'scopes', to_jsonb(p_scopes)));
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
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
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
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
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

-- Redeems an authorization code (OAuth 2.1 §4.1.3, RFC 7636 §4.6; F1-F10, F26-F28). Who presents it, with what, is proven
-- before its use is looked at: so a stranger neither burns a code nor kills its tokens, and a proven second use does kill them.
-- `p_client` says how the client authenticated; the jti of its assertion is used up before anything else is looked at.
-- outcomes: assertion_replayed · exchanged {connection} · code_unknown · client_mismatch · redirect_uri_mismatch · verifier_mismatch · code_replayed {notice?} ·
--   code_expired · connection_revoked · account_disabled · client_blocked · client_changed · client_not_allowed · server_unavailable · resource_mismatch · scope_exceeded
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
    when not s.client_policy_allows then 'client_not_allowed'
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
  perform mcp_data.count_usage(c, 1, 1, 0, 1);
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
-- outcomes: assertion_replayed · rotated {connection} · retried {connection, successor_ciphertext} · refresh_reused {notice} · refresh_unknown · refresh_expired ·
--   client_mismatch · resource_mismatch · connection_revoked · account_disabled · client_blocked · client_changed · client_not_allowed · server_unavailable ·
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
  v_last_used_at timestamptz;
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
    when not s.client_policy_allows then 'client_not_allowed'
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
  v_last_used_at := c.last_used_at;
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
  perform mcp_data.count_usage(c, 0, case when mcp_data.is_first_use_of_day(v_last_used_at) then 1 else 0 end, 1, 0);
  -- One rotation in ten is an event: a hash of connection and generation decides.
  if hashtext(c.connection_id || c.generation) % 10 = 0 then
    perform mcp_data.add_event('refresh.rotated', 'sampled', c.account_id, c.client_id, c.server_id, c.connection_id, null, p_request);
  end if;
  return jsonb_build_object('outcome', 'rotated', 'connection',
    mcp_data.describe_connection(c, s.email, s.name, v_scopes, s.token_lifetime_seconds, s.issuer_epoch));
end $$;
grant execute on function mcp.rotate_refresh_token(text, integer, bytea[], text, text[], text[], bytea, bytea, text, jsonb, jsonb, jsonb) to mcp_worker;

-- What follows from a refused code (F1, F2): a proven replay ends the connection, a wrong verifier is an event, nothing else
-- leaves a trace. Internal.
create or replace function mcp_data.refuse_code(p_connection mcp_data.connections, p_refusal text, p_client jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  v_event text := case p_refusal when 'code_replayed' then 'authorization_code.replayed' when 'verifier_mismatch' then 'pkce.failed' end;
begin
  perform mcp_data.note_refusal(p_connection, 'token', p_refusal, p_request);
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

-- Counts a refused call that presented a real token (G15), and writes the event of one from a foreign client (G7). Internal.
create or replace function mcp_data.count_refresh(p_connection mcp_data.connections, p_age text, p_refusal text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  if p_age is null then
    return;
  end if;
  perform mcp_data.note_refusal(p_connection, 'refresh', p_refusal, p_request);
  update mcp_data.connections set
    refreshes_in_window = case when refresh_window_at > now() - interval '1 minute' then refreshes_in_window + 1 else 1 end,
    refresh_window_at = case when refresh_window_at > now() - interval '1 minute' then refresh_window_at else now() end
  where connection_id = p_connection.connection_id;
  if p_refusal = 'client_mismatch' then
    perform mcp_data.add_event('refresh.reused', p_refusal, p_connection.account_id, p_connection.client_id, p_connection.server_id,
      p_connection.connection_id, null, p_request);
  end if;
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
    v.client_policy, v.has_client_rules,
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
  select c.connection_id, c.server_id, c.client_id_digest, c.refused_at, c.account_id, c.client_id, c.resource, c.scopes, c.resource_kind, c.last_used_at, c.auth_time, c.email_shared, a.email,
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
      -- Where every client may come, nothing is asked (A36).
      when (k.client_policy <> 'any' or k.has_client_rules) and not mcp_data.client_is_allowed(k.server_id, k.client_policy,
        k.has_client_rules, c.client_id, c.client_kind, c.redirect_uri) then 'client_not_allowed'
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
    -- Told to the owner of the server that asks, and at most once a minute a connection; expiry is no trouble.
    if r.server_id = k.server_id and r.reason <> 'token_expired' and (r.refused_at is null or r.refused_at < now() - interval '1 minute') then
      update mcp_data.connections set refused_at = now(), refused_step = 'introspection', refused_reason = r.reason,
        refused_request_id = left(p_request->>'request_id', 100) where connection_id = p_connection_id;
    end if;
    return jsonb_build_object('outcome', 'inactive', 'reason', r.reason);
  end if;
  if r.last_used_at is null or r.last_used_at < now() - interval '1 minute' then
    update mcp_data.connections set last_used_at = now() where connection_id = p_connection_id;
    perform mcp_data.count_usage_of(r.server_id, r.client_id_digest, r.connection_id, 0,
      case when mcp_data.is_first_use_of_day(r.last_used_at) then 1 else 0 end, 0, 1);
  end if;
  return jsonb_build_object('outcome', 'active', 'sub', r.account_id, 'client_id', r.client_id, 'aud', r.resource,
    'server_id', k.server_id, 'auth_time_seconds', floor(extract(epoch from r.auth_time))::bigint,
    'scopes', to_jsonb(mcp_data.effective_scopes(r.scopes, r.resource_kind, k.scope_names, coalesce(p_scope, '{}'))))
    || case when k.share_email and r.email_shared then jsonb_build_object('username', r.email, 'email', r.email, 'email_verified', true) else '{}' end;
end $$;
grant execute on function mcp.introspect_token(text, bytea[], text, text, text, integer, bigint, text[], jsonb) to mcp_worker;

-- A rule about clients as the owner sees it. Internal.
create or replace function mcp_data.describe_client_rule(r mcp_data.server_client_rules) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('rule_id', r.rule_id, 'effect', r.effect, 'client_id', r.client_id, 'host', r.host,
    'created_at_seconds', floor(extract(epoch from r.created_at))::bigint));
end $$;

-- Lets a client or a host in, or keeps it out and cuts its connections at once (A36, M12). One rule a subject, at most 100 a server.
-- One event says it for all connections: their number is not bounded.
-- outcomes: created {rule, connections_ended} · rule_exists · limited {reason, retry_after_seconds?} · not_found · caller_unknown ·
--   scope_missing {scope} · sign_in
create or replace function mcp.create_client_rule(p_server_id text, p_caller jsonb, p_rule jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  v_ended integer := 0;
  r mcp_data.server_client_rules;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- Locks the server, so that parallel calls are counted one after the other.
  perform from mcp_data.servers s
  where s.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id and s.status <> 'deleted'
  for no key update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif (select count(*) from mcp_data.server_client_rules x where x.server_id = p_server_id) >= 100 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'client_rules');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600], array[60]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.server_client_rules (rule_id, server_id, effect, client_id, host, subject_digest)
  values (p_rule->>'rule_id', p_server_id, p_rule->>'effect', p_rule->>'client_id', p_rule->>'host',
    case when p_rule ? 'client_id' then mcp_data.rule_subject('client', p_rule->>'client_id')
      else mcp_data.rule_subject('host', p_rule->>'host') end)
  on conflict (server_id, subject_digest) do nothing returning * into r;
  if not found then
    return jsonb_build_object('outcome', 'rule_exists');
  end if;
  update mcp_data.servers set has_client_rules = true where server_id = p_server_id;
  if r.effect = 'block' then
    update mcp_data.connections c set revoked_at = now(), revoked_reason = 'client_not_allowed', successor_ciphertext = null
    where c.server_id = p_server_id and c.revoked_at is null
      and case when r.client_id is not null then c.client_id = r.client_id
        else r.host = any(mcp_data.client_hosts(c.client_id, c.client_kind, c.redirect_uri)) end;
    get diagnostics v_ended = row_count;
  end if;
  perform mcp_data.add_event(case r.effect when 'block' then 'client.blocked' else 'client.allowed' end, null, v_caller.account_id,
    r.client_id, p_server_id, null, jsonb_strip_nulls(jsonb_build_object('host', r.host, 'connections', v_ended)), p_request);
  return jsonb_build_object('outcome', 'created', 'rule', mcp_data.describe_client_rule(r), 'connections_ended', v_ended);
end $$;
grant execute on function mcp.create_client_rule(text, jsonb, jsonb, jsonb) to mcp_worker;

-- The rules of a server about clients, newest first; there are at most 100.
-- outcomes: found {rules} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_client_rules(p_server_id text, p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'found', 'rules', (
    select coalesce(jsonb_agg(mcp_data.describe_client_rule(r) order by r.created_at desc, r.rule_id), '[]')
    from mcp_data.server_client_rules r where r.server_id = p_server_id));
end $$;
grant execute on function mcp.list_client_rules(text, jsonb) to mcp_worker;

-- Takes a rule about clients away. Connections that it has cut stay cut: the person connects again.
-- outcomes: deleted · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.delete_client_rule(p_server_id text, p_rule_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  r mcp_data.server_client_rules;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- The server's row first, as in create_client_rule.
  perform from mcp_data.servers s
  where s.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id for no key update;
  if found then
    delete from mcp_data.server_client_rules x where x.rule_id = p_rule_id and x.server_id = p_server_id returning * into r;
  end if;
  if r.rule_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  update mcp_data.servers set has_client_rules = exists (
    select from mcp_data.server_client_rules x where x.server_id = p_server_id) where server_id = p_server_id;
  perform mcp_data.add_event('client.rule_removed', r.effect, v_caller.account_id, r.client_id, p_server_id, null,
    jsonb_strip_nulls(jsonb_build_object('host', r.host)), p_request);
  return jsonb_build_object('outcome', 'deleted');
end $$;
grant execute on function mcp.delete_client_rule(text, text, jsonb, jsonb) to mcp_worker;

-- A connection as the owner of its server sees it (HTTP-API "Server management"; J26): `sub` is what introspection says, the address
-- only where it is shared. Internal.
create or replace function mcp_data.describe_server_connection(c mcp_data.connections, p_server mcp_data.servers) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('connection_id', c.connection_id, 'client_id', c.client_id,
    'client_name', c.client->>'client_name', 'client_kind', c.client_kind, 'sub', c.account_id,
    'email', case when c.email_shared and p_server.share_email then (select a.email from mcp_data.accounts a where a.account_id = c.account_id) end,
    'scopes', to_jsonb(mcp_data.effective_scopes(c.scopes, c.resource_kind, p_server.scope_names, null)),
    'created_at_seconds', floor(extract(epoch from c.created_at))::bigint,
    'last_used_at_seconds', floor(extract(epoch from c.last_used_at))::bigint,
    'expires_at_seconds', floor(extract(epoch from least(c.refresh_idle_expires_at, c.refresh_expires_at)))::bigint,
    'suspended', c.suspended_at is not null));
end $$;

-- Who is connected to a server, newest first (HTTP-API "Server management"; J26). `p_before` is the `next` of the page before.
-- outcomes: found {connections, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_server_connections(p_server_id text, p_caller jsonb, p_before text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  s mcp_data.servers;
  v_connections jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_server_connection(x.c, s) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(floor(extract(epoch from (x.c).created_at) * 1000000)::bigint || '.' || (x.c).connection_id)
      filter (where x.place = p_limit and x.count > p_limit)
  into v_connections, v_next
  from (
    select y.c, row_number() over (order by (y.c).created_at desc, (y.c).connection_id desc) as place, count(*) over () as count
    from (select c from mcp_data.connections c cross join mcp_data.settings e
      where c.server_id = p_server_id and c.revoked_at is null and c.issuer_epoch = e.issuer_epoch and c.code_redeemed_at is not null
        and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now()
        and (p_before is null or (c.created_at, c.connection_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by c.created_at desc, c.connection_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'connections', v_connections, 'next', v_next));
end $$;
grant execute on function mcp.list_server_connections(text, jsonb, text, integer) to mcp_worker;

-- Cuts one connection off, by the owner of its server; effective at the next introspection. Connection, server and owner are matched
-- together (J4); twice is fine.
-- outcomes: revoked · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.revoke_server_connection(p_server_id text, p_connection_id text, p_caller jsonb, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  c mcp_data.connections;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  select * into c from mcp_data.connections x where x.connection_id = p_connection_id
    and x.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.revoke_connection(c, 'owner', p_request);
  return jsonb_build_object('outcome', 'revoked');
end $$;
grant execute on function mcp.revoke_server_connection(text, text, jsonb, jsonb) to mcp_worker;

-- An audit event as the owner of the server sees it (SECURITY §28): no address, device or place of a person, and of the details only
-- those that are about the server. Internal.
create or replace function mcp_data.describe_server_event(e mcp_data.audit_events) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_detail jsonb;
begin
  select jsonb_object_agg(d.key, d.value) into v_detail from jsonb_each(coalesce(e.detail, '{}')) d
  where d.key in ('key_id', 'scopes', 'before', 'after', 'connections', 'host', 'from', 'by', 'keys_revoked', 'method', 'seen');
  return jsonb_strip_nulls(jsonb_build_object('event_id', e.event_id, 'event', e.event, 'reason', e.reason,
    'occurred_at_seconds', floor(extract(epoch from e.occurred_at))::bigint, 'client_id', e.client_id,
    'connection_id', e.connection_id, 'transaction_id', e.transaction_id, 'reference', e.request_id, 'detail', v_detail));
end $$;

-- What happened to a server, newest first (SECURITY §28). `p_filter` may name event, client_id, connection_id, transaction_id or
-- reference; `p_before` is the `next` of the page before.
-- outcomes: found {events, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_server_events(p_server_id text, p_caller jsonb, p_filter jsonb, p_before text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_events jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_server_event(x.e) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.event_cursor(x.e)) filter (where x.place = p_limit and x.count > p_limit)
  into v_events, v_next
  from (
    select y.e, row_number() over (order by (y.e).occurred_at desc, (y.e).event_id desc) as place, count(*) over () as count
    from (select e from mcp_data.audit_events e
      where e.server_id = p_server_id
        and (p_filter->>'event' is null or e.event = p_filter->>'event')
        and (p_filter->>'client_id' is null or e.client_id = p_filter->>'client_id')
        and (p_filter->>'connection_id' is null or e.connection_id = p_filter->>'connection_id')
        and (p_filter->>'transaction_id' is null or e.transaction_id = p_filter->>'transaction_id')
        and (p_filter->>'reference' is null or e.request_id = p_filter->>'reference')
        and (p_before is null or (e.occurred_at, e.event_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)::uuid))
      order by e.occurred_at desc, e.event_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'events', v_events, 'next', v_next));
end $$;
grant execute on function mcp.list_server_events(text, jsonb, jsonb, text, integer) to mcp_worker;

-- The use of a server by day and client, newest day first (HTTP-API "usage"). `p_before` is the `next` of the page before: day and
-- client digest.
-- outcomes: found {days, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.read_server_usage(p_server_id text, p_caller jsonb, p_from text, p_to text, p_before text, p_limit integer)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_days jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(x.told order by x.place) filter (where x.place <= p_limit), '[]'),
    max(x.cursor) filter (where x.place = p_limit and x.count > p_limit)
  into v_days, v_next
  from (
    select row_number() over (order by u.day desc, u.client_id_digest desc) as place, count(*) over () as count,
      to_char(u.day, 'YYYY-MM-DD') || '.' || encode(u.client_id_digest, 'hex') as cursor,
      jsonb_strip_nulls(jsonb_build_object('day', to_char(u.day, 'YYYY-MM-DD'), 'client_id', n.client_id, 'client_name', n.client_name,
        'connected', u.connected, 'used', u.used, 'refreshed', u.refreshed, 'active_minutes', u.active_minutes)) as told
    from (select d.day, d.client_id_digest, sum(d.connected) as connected, sum(d.used) as used, sum(d.refreshed) as refreshed,
        sum(d.active_minutes) as active_minutes
      from mcp_data.usage_days d
      where d.server_id = p_server_id and d.day between p_from::date and p_to::date
        and (p_before is null or (d.day, d.client_id_digest) < (split_part(p_before, '.', 1)::date, decode(split_part(p_before, '.', 2), 'hex')))
      group by d.day, d.client_id_digest order by d.day desc, d.client_id_digest desc limit p_limit + 1) u
    left join mcp_data.usage_clients n on n.server_id = p_server_id and n.client_id_digest = u.client_id_digest
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'days', v_days, 'next', v_next));
end $$;
grant execute on function mcp.read_server_usage(text, jsonb, text, text, text, integer) to mcp_worker;

-- How far one authorization came, for the owner's diagnosis: its events in order, and the last refusal of its tokens. Internal.
create or replace function mcp_data.describe_authorization(p_server_id text, p_transaction_id text, p_connection_id text, p_started_at timestamptz,
  p_client jsonb, p_state text) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_steps jsonb;
begin
  select coalesce(jsonb_agg(mcp_data.describe_server_event(x.e) order by (x.e).occurred_at, (x.e).event_id), '[]') into v_steps
  from (select e from mcp_data.audit_events e
    where e.server_id = p_server_id and e.occurred_at >= p_started_at - interval '15 minutes'
      and (e.transaction_id = p_transaction_id or e.connection_id = p_connection_id)
    order by e.occurred_at limit 50) x;
  return jsonb_strip_nulls(jsonb_build_object('started_at_seconds', floor(extract(epoch from p_started_at))::bigint,
    'state', p_state, 'transaction_id', p_transaction_id, 'connection_id', p_connection_id,
    'client_id', p_client->>'client_id', 'client_name', p_client->>'client_name', 'steps', v_steps,
    'last_refusal', (select jsonb_build_object('step', c.refused_step, 'reason', c.refused_reason, 'reference', c.refused_request_id,
        'occurred_at_seconds', floor(extract(epoch from c.refused_at))::bigint)
      from mcp_data.connections c where c.connection_id = p_connection_id and c.refused_at is not null)));
end $$;

-- The last authorizations at a server and how far each came (diagnosis): transactions of the last hour that led nowhere yet, and
-- connections. Newest first; `p_before` is the `next` of the page before.
-- outcomes: found {authorizations, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_authorizations(p_server_id text, p_caller jsonb, p_before text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_found jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_authorization(p_server_id, x.transaction_id, x.connection_id, x.started_at, x.client, x.state)
      order by x.place) filter (where x.place <= p_limit), '[]'),
    max(floor(extract(epoch from x.started_at) * 1000000)::bigint || '.' || x.id) filter (where x.place = p_limit and x.count > p_limit)
  into v_found, v_next
  from (
    select y.*, row_number() over (order by y.started_at desc, y.id desc) as place, count(*) over () as count
    from (
      (select t.transaction_id as id, t.transaction_id, null::text as connection_id, t.created_at as started_at, t.client,
        case when t.decision = 'denied' then 'denied' when t.expires_at <= now() then 'abandoned'
          when t.account_id is not null then 'signed_in' else 'waiting' end as state
      from mcp_data.transactions t
      where t.server_id = p_server_id and t.decision is distinct from 'approved'
        and (p_before is null or (t.created_at, t.transaction_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by t.created_at desc, t.transaction_id desc limit p_limit + 1)
      union all
      (select c.connection_id, c.transaction_id, c.connection_id, c.created_at, c.client,
        case when c.revoked_at is not null then 'ended' when c.suspended_at is not null then 'suspended'
          when c.code_redeemed_at is not null then 'connected' when c.code_expires_at <= now() then 'code_not_redeemed' else 'approved' end
      from mcp_data.connections c
      where c.server_id = p_server_id
        and (p_before is null or (c.created_at, c.connection_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by c.created_at desc, c.connection_id desc limit p_limit + 1)
      order by started_at desc, id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'authorizations', v_found, 'next', v_next));
end $$;
grant execute on function mcp.list_authorizations(text, jsonb, text, integer) to mcp_worker;

-- Whether a server's URL may be asked for its proof now: at most once a minute (HTTP-API "Proof of server_url"). An owner names
-- the server; at an authorization the URL is enough, for all that wait for it: its document says which of them it is. The two are
-- counted apart, so that nobody keeps others from it by asking. Whoever holds the URL learns of each claimant, once.
-- outcomes: due {server_url} · too_soon {retry_after_seconds} · verified {server} · suspended · not_found · caller_unknown ·
--   scope_missing {scope} · sign_in
create or replace function mcp.begin_verification(p_server_id text, p_server_url text, p_caller jsonb, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
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
  elsif s.status = 'suspended' and coalesce(s.suspended_reason, '') not in ('taken_over', 'proof_failing') then
    return jsonb_build_object('outcome', 'suspended');
  end if;
  v_wait := mcp_data.take_limit('server_proof', coalesce(p_server_id, p_server_url), array[60], array[1]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'too_soon', 'retry_after_seconds', v_wait);
  end if;
  -- In one order, as whoever finishes takes them.
  perform from mcp_data.servers v where v.server_url = s.server_url and v.status in ('pending', 'suspended')
    and (p_server_id is null or v.server_id = p_server_id) order by v.server_id for update;
  if p_server_id is not null and s.verification_begun_at is null then
    select * into v_holder from mcp_data.servers v where v.server_url = s.server_url and v.status = 'verified';
    if found then
      perform mcp_data.add_event('server.contested', null, v_holder.owner_account_id, null, v_holder.server_id, null,
        jsonb_build_object('by', s.server_id), p_request);
    end if;
  end if;
  update mcp_data.servers v set verification_begun_at = now()
  where v.server_url = s.server_url and v.status in ('pending', 'suspended') and (p_server_id is null or v.server_id = p_server_id);
  return jsonb_build_object('outcome', 'due', 'server_url', s.server_url);
end $$;
grant execute on function mcp.begin_verification(text, text, jsonb, jsonb) to mcp_worker;

-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands.
-- Both are told: by events, and by mail where an account owns them.
-- outcomes: verified {server} · taken_over {server, from, owner?, former_owner?} ·
--   holder_stands · not_found
create or replace function mcp.finish_verification(p_server_id text, p_server_url text, p_proof jsonb default null, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s mcp_data.servers;
  v_holder mcp_data.servers;
  v_named text[] := mcp_data.text_array(p_proof->'named');
begin
  -- All claimants of a URL, in one order: two that finish at once wait for each other.
  perform from mcp_data.servers v where v.server_url = p_server_url and v.status <> 'deleted' order by v.server_id for update;
  select * into s from mcp_data.servers v where (v.server_id = p_server_id or p_server_id is null) and v.server_url = p_server_url
    and (v.status in ('pending', 'verified') or (v.status = 'suspended' and v.suspended_reason in ('taken_over', 'proof_failing')))
    -- An authorization names no registration: any that the proof names and that waits.
    and (p_server_id is not null or (v.status = 'pending' and v.server_id = any(v_named)))
  order by v.created_at limit 1;
  if not found or s.verification_begun_at is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'verified' then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  select * into v_holder from mcp_data.servers v where v.server_url = p_server_url and v.status = 'verified';
  if v_holder.verified_at >= s.verification_begun_at or v_holder.server_id = any(v_named) then
    return jsonb_build_object('outcome', 'holder_stands');
  end if;
  if v_holder.server_id is not null then
    perform mcp_data.suspend_server(v_holder, 'taken_over', jsonb_build_object('by', s.server_id), p_request);
  end if;
  update mcp_data.servers v set status = 'verified', verified_at = clock_timestamp(), suspended_at = null, suspended_reason = null,
    proof_method = coalesce(p_proof->>'method', 'document'), proof_checked_at = now(), proof_failing_since = null,
    proof_seen = left(p_proof->>'seen', 2000)
  where v.server_id = s.server_id returning * into s;
  perform mcp_data.add_event('server.verified', case when v_holder.server_id is null then s.proof_method else 'taken_over' end,
    s.owner_account_id, null, s.server_id, null, jsonb_strip_nulls(jsonb_build_object('from', v_holder.server_id)), p_request);
  if v_holder.server_id is null then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'taken_over', 'server', mcp_data.describe_server(s),
    'from', v_holder.server_id,
    'owner', mcp_data.addressee(s.owner_account_id), 'former_owner', mcp_data.addressee(v_holder.owner_account_id)));
end $$;
grant execute on function mcp.finish_verification(text, text, jsonb, jsonb) to mcp_worker;

-- Keeps what a look at a server's proof has seen, word for word (SECURITY §23; J11). A proven server whose proof fails is told at the
-- first failure and suspended after 7 failing days; one that waits just keeps what was seen. `p_proof` null: it failed.
-- outcomes: proven · failing {since_seconds?, notice?} · suspended {notice?} · not_found
create or replace function mcp.record_proof_check(p_server_id text, p_proof jsonb, p_seen text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s mcp_data.servers;
  v_is_first boolean;
begin
  select * into s from mcp_data.servers v where v.server_id = p_server_id and v.status <> 'deleted' for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_proof is not null and p_proof <> 'null' then
    update mcp_data.servers v set proof_checked_at = now(), proof_failing_since = null, proof_method = p_proof->>'method',
      proof_seen = left(p_seen, 2000) where v.server_id = p_server_id;
    return jsonb_build_object('outcome', 'proven');
  end if;
  v_is_first := s.status = 'verified' and s.proof_failing_since is null;
  update mcp_data.servers v set proof_checked_at = now(), proof_seen = left(p_seen, 2000),
    proof_failing_since = case when v.status = 'verified' then coalesce(v.proof_failing_since, now()) end
  where v.server_id = p_server_id returning * into s;
  perform mcp_data.add_event('document.fetch_failed', 'server_proof_failed', s.owner_account_id, null, p_server_id, null,
    jsonb_build_object('seen', left(p_seen, 2000)), p_request);
  if s.proof_failing_since <= now() - interval '7 days' then
    perform mcp_data.suspend_server(s, 'proof_failing', null, p_request);
    return jsonb_strip_nulls(jsonb_build_object('outcome', 'suspended', 'notice', mcp_data.addressee(s.owner_account_id)));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'failing',
    'since_seconds', floor(extract(epoch from s.proof_failing_since))::bigint,
    'notice', case when v_is_first then mcp_data.addressee(s.owner_account_id) end));
end $$;
grant execute on function mcp.record_proof_check(text, jsonb, text, jsonb) to mcp_worker;

-- Claims the servers whose proof is to be looked at again (SECURITY §23): a week after the last look, a day after one that failed. A
-- bounded number; claimed ones are not due again before their time, also for another run that works beside.
-- outcomes: taken {servers}
create or replace function mcp.take_proof_checks(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_servers jsonb;
begin
  with claimed as (
    update mcp_data.servers v set proof_checked_at = now()
    where v.server_id = any(array(
      select x.server_id from mcp_data.servers x
      where x.status = 'verified' and x.proof_method <> 'loopback'
        and x.proof_checked_at < now() - case when x.proof_failing_since is null then interval '7 days' else interval '1 day' end
      order by x.proof_checked_at limit p_limit for update skip locked))
    returning v.server_id, v.server_url)
  select coalesce(jsonb_agg(jsonb_build_object('server_id', c.server_id, 'server_url', c.server_url)), '[]') into v_servers
  from claimed c;
  return jsonb_build_object('outcome', 'taken', 'servers', v_servers);
end $$;
grant execute on function mcp.take_proof_checks(integer) to mcp_worker;

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
  return case when not mcp_data.client_is_allowed(s.server_id, s.client_policy, s.has_client_rules,
    p_transaction.client_id, p_transaction.client->>'kind', p_transaction.redirect_uri) then 'client_not_allowed' end;
end $$;

-- Deletes a server (J25): its keys, management tokens and connections die at once, its row stays as a tombstone. Internal. False:
-- there is none, or it is deleted already.
create or replace function mcp_data.end_server(p_server_id text, p_account_id uuid, p_request jsonb) returns boolean
language plpgsql set search_path = '' as $$
begin
  update mcp_data.servers s set status = 'deleted', deleted_at = now(), offered_to_user_id = null, offered_to_email = null
  where s.server_id = p_server_id and s.status <> 'deleted';
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

-- What an owner's webhook calls an audit event; null for those it is not told of. Internal.
create or replace function mcp_data.webhook_event(p_event text, p_reason text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return case p_event
    when 'authorization_code.redeemed' then 'connection.made'
    when 'connection.revoked' then 'connection.revoked'
    when 'refresh.reused' then case when p_reason <> 'client_mismatch' then 'theft.suspected' end
    when 'authorization_code.replayed' then 'theft.suspected'
    when 'key.expiring' then 'key.expiring'
    when 'document.fetch_failed' then case p_reason when 'server_proof_failed' then 'proof.failing' end
    when 'server.suspended' then 'server.suspended' end;
end $$;

-- Puts an event on its way to the webhooks of a server that want it. Internal. It names ids, never a person's address or place.
create or replace function mcp_data.enqueue_webhooks(p_type text, p_reason text, p_client_id text, p_server_id text, p_connection_id text,
  p_detail jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  insert into mcp_data.webhook_messages (webhook_id, payload)
  select w.webhook_id, jsonb_build_object('type', p_type, 'timestamp', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'data', jsonb_strip_nulls(jsonb_build_object('server_id', p_server_id, 'client_id', p_client_id, 'connection_id', p_connection_id,
      'reason', p_reason, 'key_id', p_detail->'key_id', 'expires_at_seconds', p_detail->'expires_at_seconds', 'seen', p_detail->'seen')))
  from mcp_data.webhooks w where w.server_id = p_server_id and p_type = any(w.events);
end $$;

-- A webhook as its owner sees it: never its secret. Internal.
create or replace function mcp_data.describe_webhook(w mcp_data.webhooks) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object('webhook_id', w.webhook_id, 'url', w.url, 'events', to_jsonb(w.events),
    'created_at_seconds', floor(extract(epoch from w.created_at))::bigint);
end $$;

-- Makes a webhook for a server (HTTP-API "Webhooks"), at most five.
-- outcomes: created {webhook} · limited {reason, retry_after_seconds?} · not_found · caller_unknown · scope_missing {scope} · sign_in ·
--   not_fresh
create or replace function mcp.create_webhook(p_server_id text, p_caller jsonb, p_webhook jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  w mcp_data.webhooks;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- Locks the server, so that parallel calls are counted one after the other.
  perform from mcp_data.servers s
  where s.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id and s.status <> 'deleted'
  for no key update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif (select count(*) from mcp_data.webhooks x where x.server_id = p_server_id) >= 5 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'webhooks');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600], array[60]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.webhooks (webhook_id, server_id, url, kid, events)
  values (p_webhook->>'webhook_id', p_server_id, p_webhook->>'url', p_webhook->>'kid', mcp_data.text_array(p_webhook->'events'))
  returning * into w;
  perform mcp_data.add_event('webhook.created', null, v_caller.account_id, null, p_server_id, null,
    jsonb_build_object('webhook_id', w.webhook_id), p_request);
  return jsonb_build_object('outcome', 'created', 'webhook', mcp_data.describe_webhook(w));
end $$;
grant execute on function mcp.create_webhook(text, jsonb, jsonb, jsonb) to mcp_worker;

-- The webhooks of a server, and their last messages: at most 20 each, newest first.
-- outcomes: found {webhooks} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_webhooks(p_server_id text, p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'found', 'webhooks', (
    select coalesce(jsonb_agg(mcp_data.describe_webhook(w) || jsonb_build_object('messages', (
      select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('message_id', m.message_id, 'type', m.payload->>'type',
          'created_at_seconds', floor(extract(epoch from m.created_at))::bigint, 'attempts', m.attempts,
          'state', case when m.delivered_at is not null then 'delivered' when m.next_attempt_at is not null then 'waiting' else 'given_up' end,
          'next_attempt_at_seconds', floor(extract(epoch from m.next_attempt_at))::bigint, 'seen', m.last_seen))
        order by m.created_at desc, m.message_id), '[]')
      from (select * from mcp_data.webhook_messages x where x.webhook_id = w.webhook_id order by x.created_at desc limit 20) m))
      order by w.created_at desc, w.webhook_id), '[]')
    from mcp_data.webhooks w where w.server_id = p_server_id));
end $$;
grant execute on function mcp.list_webhooks(text, jsonb) to mcp_worker;

-- Takes a webhook away, with what was on its way to it (J4: webhook, server and owner are matched together).
-- outcomes: deleted · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.delete_webhook(p_server_id text, p_webhook_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  delete from mcp_data.webhooks w where w.webhook_id = p_webhook_id
    and w.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('webhook.deleted', null, v_caller.account_id, null, p_server_id, null,
    jsonb_build_object('webhook_id', p_webhook_id), p_request);
  return jsonb_build_object('outcome', 'deleted');
end $$;
grant execute on function mcp.delete_webhook(text, text, jsonb, jsonb) to mcp_worker;

-- Sends a message again: the same id, so that the receiver can tell; its tries begin anew.
-- outcomes: replayed · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.replay_webhook_message(p_server_id text, p_webhook_id text, p_message_id text, p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  update mcp_data.webhook_messages m set next_attempt_at = now(), attempts = 0, delivered_at = null
  from mcp_data.webhooks w
  where m.message_id = p_message_id and m.webhook_id = p_webhook_id and w.webhook_id = m.webhook_id
    and w.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id;
  return jsonb_build_object('outcome', case when found then 'replayed' else 'not_found' end);
end $$;
grant execute on function mcp.replay_webhook_message(text, text, text, jsonb) to mcp_worker;

-- Claims messages that are due, a bounded number, each for five minutes: whoever claims one and dies loses nothing. Before that it
-- looks for API keys that end within a week.
-- outcomes: taken {messages}
create or replace function mcp.take_webhook_messages(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  k mcp_data.server_keys;
  v_messages jsonb;
begin
  for k in
    update mcp_data.server_keys x set expiry_told_at = now() where x.key_id = any(array(
      select y.key_id from mcp_data.server_keys y
      where y.expires_at < now() + interval '7 days' and y.expiry_told_at is null and y.revoked_at is null and y.expires_at > now()
      limit p_limit for update skip locked))
    returning x.*
  loop
    perform mcp_data.add_event('key.expiring', null, null, null, k.server_id, null, jsonb_build_object('key_id', k.key_id,
      'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint), null);
  end loop;
  with claimed as (
    update mcp_data.webhook_messages m set next_attempt_at = now() + interval '5 minutes', attempts = m.attempts + 1
    where m.message_id = any(array(
      select x.message_id from mcp_data.webhook_messages x where x.next_attempt_at <= now()
      order by x.next_attempt_at limit p_limit for update skip locked))
    returning m.message_id, m.webhook_id, m.payload)
  select coalesce(jsonb_agg(jsonb_build_object('message_id', c.message_id, 'webhook_id', c.webhook_id, 'url', w.url, 'kid', w.kid,
    'payload', c.payload)), '[]') into v_messages
  from claimed c join mcp_data.webhooks w on w.webhook_id = c.webhook_id;
  return jsonb_build_object('outcome', 'taken', 'messages', v_messages);
end $$;
grant execute on function mcp.take_webhook_messages(integer) to mcp_worker;

-- What came of a try: delivered, or again after a pause that grows (1, 5, 30 minutes, 2, 5, 10, 14 hours), or given up after eight.
-- outcomes: delivered · waiting · given_up · not_found
create or replace function mcp.record_webhook_message(p_message_id text, p_is_delivered boolean, p_seen text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_pauses interval[] := array['1 minute', '5 minutes', '30 minutes', '2 hours', '5 hours', '10 hours', '14 hours'];
  m mcp_data.webhook_messages;
begin
  update mcp_data.webhook_messages x set last_attempt_at = now(), last_seen = left(p_seen, 500),
    delivered_at = case when p_is_delivered then now() end,
    next_attempt_at = case when not p_is_delivered then now() + v_pauses[x.attempts] end
  where x.message_id = p_message_id returning * into m;
  return jsonb_build_object('outcome', case when not found then 'not_found' when p_is_delivered then 'delivered'
    when m.next_attempt_at is null then 'given_up' else 'waiting' end);
end $$;
grant execute on function mcp.record_webhook_message(text, boolean, text) to mcp_worker;

-- Writes that a caller of the management API whose credential is good was refused (SECURITY §28): a scope was missing, or what was
-- asked for is not the caller's. At most ten a minute and caller, so that a flood writes little.
-- outcomes: recorded · limited
create or replace function mcp.record_denial(p_caller jsonb, p_reason text, p_asked text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  c mcp_data.connections;
  v_server_id text;
  v_account_id uuid;
begin
  select * into c from mcp_data.connections x where x.connection_id = p_caller->>'connection_id';
  select m.server_id into v_server_id from mcp_data.management_tokens m where m.public_part = p_caller->>'public_part';
  v_account_id := coalesce(c.account_id,
    (select t.account_id from mcp_data.personal_tokens t where t.token_id = p_caller->>'token_id'));
  if mcp_data.take_limit('management_denied', coalesce(p_caller->>'token_id', c.connection_id, v_server_id, ''), array[60], array[10]) > 0 then
    return jsonb_build_object('outcome', 'limited');
  end if;
  perform mcp_data.add_event('management.denied', p_reason, v_account_id, c.client_id, v_server_id, c.connection_id,
    jsonb_strip_nulls(jsonb_build_object('asked', left(p_asked, 100))), p_request);
  return jsonb_build_object('outcome', 'recorded');
end $$;
grant execute on function mcp.record_denial(jsonb, text, text, jsonb) to mcp_worker;

-- client_is_allowed stands in its place.
drop function mcp_data.client_policy_allows(text, text);

update mcp_data.settings set schema_version = '20261126130000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127110000_operations.sql

-- Operations: a role and one door for operators, switches, and the book of the Worker's keys (SECURITY §6, §27, §28; M12).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);

-- Roles belong to the cluster, so another database may have made it before.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'mcp_operator') then
    create role mcp_operator nologin noinherit;
  end if;
end $$;
alter role mcp_operator set statement_timeout = '30s';
alter role mcp_operator set lock_timeout = '5s';

-- Whoever migrates acts as operator too. authenticator may, for a JWT with that role; service_role never becomes mcp_operator: the Worker
-- may hold its key.
do $$
begin
  if not pg_catalog.pg_has_role(current_user, 'mcp_operator', 'usage') then
    execute pg_catalog.format('grant mcp_operator to %I', current_user);
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then
    grant mcp_operator to authenticator;
  end if;
end $$;

set role mcp_owner;
grant usage on schema mcp to mcp_operator;

alter table mcp_data.settings
  add column registration_is_on boolean not null default true,
  add column email_sign_in_is_on boolean not null default true,
  add column documents_are_on boolean not null default true;

-- What is known of the Worker's keys: their names and moments, never a key. It says when an old one may go (SECURITY §6).
create table mcp_data.worker_keys (
  kind text not null constraint worker_keys_kind_is_known
    check (kind in ('token_peppers', 'cookie_keys', 'signing_keys', 'registration_keys')),
  kid text not null constraint worker_keys_kid_is_short check (length(kid) between 1 and 64),
  added_at timestamptz not null default now(),
  -- Absent: published, and not in use yet.
  used_since timestamptz,
  dropped_at timestamptz,
  constraint worker_keys_pkey primary key (kind, kid)
);
alter table mcp_data.worker_keys enable row level security;
alter table mcp_data.worker_keys force row level security;
create policy owner_only on mcp_data.worker_keys to mcp_owner using (true) with check (true);

-- Operators keep the log, the Worker only writes it.
revoke execute on function mcp.export_events(timestamptz, timestamptz, text, integer) from mcp_worker;
grant execute on function mcp.export_events(timestamptz, timestamptz, text, integer) to mcp_operator;

-- What is wrong with roles, grants and tables (SECURITY §27), as sentences; empty where nothing is. Internal.
create or replace function mcp_data.database_findings() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(f.finding order by f.finding), '[]') from (
    select format('role %s does not exist', x.name) as finding from unnest(array['mcp_owner', 'mcp_worker', 'mcp_operator']) x (name)
    where not exists (select from pg_roles r where r.rolname = x.name)
    union all select format('role %s may log in, or bypasses row level security', r.rolname) from pg_roles r
    where r.rolname in ('mcp_owner', 'mcp_worker', 'mcp_operator') and (r.rolcanlogin or r.rolsuper or r.rolbypassrls)
    union all select 'role mcp_worker has no statement_timeout' from pg_roles r
    where r.rolname = 'mcp_worker' and not coalesce(array_to_string(r.rolconfig, ','), '') like '%statement_timeout=%'
    union all select format('role authenticator cannot act as %s', x.name) from unnest(array['mcp_worker', 'mcp_operator']) x (name)
    join pg_roles r on r.rolname = 'authenticator' where not pg_has_role('authenticator', x.name, 'member')
    union all select format('role %s can act as mcp_operator', r.rolname) from pg_roles r
    where r.rolname in ('anon', 'authenticated', 'service_role', 'mcp_worker') and pg_has_role(r.oid, 'mcp_operator', 'member')
    union all select format('role %s may use schema mcp_data', r.rolname) from pg_roles r
    where r.rolname in ('anon', 'authenticated', 'service_role', 'mcp_worker', 'mcp_operator')
      and has_schema_privilege(r.oid, 'mcp_data', 'usage')
    union all select format('role %s may execute %s', r.rolname, p.oid::regprocedure) from pg_roles r cross join pg_proc p
    where r.rolname in ('anon', 'authenticated') and p.pronamespace in ('mcp'::regnamespace, 'mcp_data'::regnamespace)
      and has_function_privilege(r.oid, p.oid, 'execute')
    union all select format('table %s has no forced row level security', c.oid::regclass) from pg_class c
    where c.relnamespace = 'mcp_data'::regnamespace and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
      and not c.relispartition
    union all select 'no partition for the audit events of next month: the scheduled clean-up does not run'
    where to_regclass(format('mcp_data.audit_events_%s', to_char(now() + interval '1 month', 'YYYY_MM'))) is null
  ) f);
end $$;

-- Deletes a person's account after a fresh sign-in (J22, M18): connections and sessions go with it, servers it owns end as if deleted
-- one by one. What stays is in the audit log, under the account's id and without the e-mail.
-- outcomes: deleted {email, language?} · not_fresh · sign_in
create or replace function mcp.delete_own_account(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  a mcp_data.accounts;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  a := mcp_data.end_account(v_person.account_id, null, p_request);
  if a.account_id is null then
    return jsonb_build_object('outcome', 'sign_in');
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'deleted', 'email', a.email, 'language', a.language));
end $$;
grant execute on function mcp.delete_own_account(bytea[], integer, integer, jsonb) to mcp_worker;

-- Everything that is kept about a person: account, servers, sessions, connections, and the newest 5000 events. Internal. The session is
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
    'connections', (select coalesce(jsonb_agg(mcp_data.describe_own_connection(c)
      || jsonb_build_object('revoked_at', c.revoked_at, 'revoked_reason', c.revoked_reason) order by c.created_at), '[]')
      from mcp_data.connections c where c.account_id = a.account_id),
    'events', (select coalesce(jsonb_agg(mcp_data.describe_own_event(x.e) order by (x.e).occurred_at), '[]')
      from (select e from mcp_data.audit_events e where e.account_id = a.account_id order by e.occurred_at desc limit 5000) x));
end $$;

-- Every function of ours by its name and arguments, with a fingerprint of all that makes it what it is: text, owner's rights, settings,
-- and who may execute it beside its owner. Internal. What differs from the release was changed by hand.
create or replace function mcp_data.describe_functions() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_object_agg(n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    left(encode(sha256(convert_to(concat_ws(chr(10), p.prosrc, p.prosecdef, p.provolatile, array_to_string(p.proconfig, ','),
      (select string_agg(coalesce(r.rolname, 'PUBLIC'), ',' order by r.rolname)
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a left join pg_roles r on r.oid = a.grantee
        where a.grantee <> p.proowner)), 'UTF8')), 'hex'), 16))
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('mcp', 'mcp_data'));
end $$;

-- Deletes an account (J22, M18): connections and sessions go with it, servers it owns end as if deleted one by one. Internal. Gives the
-- row that was there; an empty one: there is none any more.
create or replace function mcp_data.end_account(p_account_id uuid, p_reason text, p_request jsonb) returns mcp_data.accounts
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts;
  v_server_id text;
begin
  -- Locked as a sign-in and a consent lock them: transaction, session, account. Whoever comes second finds no account any more.
  perform from mcp_data.transactions t where t.account_id = p_account_id order by t.transaction_id for update;
  perform from mcp_data.sessions s where s.account_id = p_account_id order by s.session_id for update;
  select * into a from mcp_data.accounts x where x.account_id = p_account_id for update;
  if not found then
    return null;
  end if;
  for v_server_id in select s.server_id from mcp_data.servers s where s.owner_account_id = a.account_id and s.status <> 'deleted' order by 1 loop
    perform mcp_data.end_server(v_server_id, a.account_id, p_request);
  end loop;
  perform mcp_data.end_connections(a.account_id, null, 'all', 'account_deleted', p_request);
  delete from mcp_data.accounts x where x.account_id = a.account_id;
  perform mcp_data.add_event('account.deleted', p_reason, a.account_id, null, null, null, null, p_request);
  return a;
end $$;

-- Everything that is kept about a person, for the person: account, servers, sessions, connections, and the newest 5000 events.
-- outcomes: exported {account, servers, sessions, connections, events} · sign_in
create or replace function mcp.export_own_account(p_session_digests bytea[], p_session_idle_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  return jsonb_build_object('outcome', 'exported') || mcp_data.describe_account(v_person.account_id, v_person.session_id);
end $$;
grant execute on function mcp.export_own_account(bytea[], integer) to mcp_worker;

-- The account that an operator names by its id or its e-mail, locked; else an empty row. Internal.
create or replace function mcp_data.find_account(p_user text) returns mcp_data.accounts
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts;
begin
  select * into a from mcp_data.accounts x where x.account_id::text = lower(p_user) or x.email = lower(p_user) for update;
  return a;
end $$;

-- The server that an operator names by its id, or by its URL where one registration alone has it, locked; else an empty row. Internal.
create or replace function mcp_data.find_server(p_server text) returns mcp_data.servers
language plpgsql set search_path = '' as $$
declare
  v_ids text[] := array(select x.server_id from mcp_data.servers x where x.status <> 'deleted' and p_server in (x.server_id, x.server_url));
  s mcp_data.servers;
begin
  if cardinality(v_ids) = 1 then
    select * into s from mcp_data.servers x where x.server_id = v_ids[1] and x.status <> 'deleted' for update;
  end if;
  return s;
end $$;

-- Why one of the Worker's keys may not go; null where it may. Internal. The newest one in use stays whatever is asked, and so does every
-- registration key (SECURITY §5), unless it has to go now. A pepper goes when nothing alive was digested under it; a signing key when
-- what it signed has expired; a cookie key a day after its successor came, when no open page holds its form tokens any more.
create or replace function mcp_data.key_drop_refusal(p_kind text, p_kid text, p_present text[], p_wait_seconds integer, p_now boolean)
returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_newest text;
  v_since timestamptz;
  v_wait interval := case p_kind when 'signing_keys' then make_interval(secs => p_wait_seconds) else interval '24 hours' end;
  v_uses jsonb;
begin
  if not p_kid = any(p_present) then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select k.kid, w.used_since into v_newest, v_since from unnest(p_present) with ordinality as k (kid, place)
  join mcp_data.worker_keys w on w.kind = p_kind and w.kid = k.kid where w.used_since is not null order by k.place limit 1;
  if v_newest is null or v_newest = p_kid then
    return jsonb_build_object('outcome', 'in_use');
  elsif p_now then
    return null;
  elsif p_kind = 'registration_keys' then
    return jsonb_build_object('outcome', 'never');
  elsif p_kind = 'token_peppers' then
    v_uses := mcp_data.key_uses()->p_kid;
    return case when v_uses is not null then jsonb_build_object('outcome', 'still_needed', 'uses', v_uses) end;
  end if;
  return case when v_since > now() - v_wait then jsonb_build_object('outcome', 'too_early', 'at', v_since + v_wait) end;
end $$;

-- Why a published signing key may not sign yet; null where it may. Internal. Whoever checks signatures may keep the published set for a
-- day (SECURITY §6).
create or replace function mcp_data.key_use_refusal(p_kind text, p_kid text) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  w mcp_data.worker_keys;
begin
  select * into w from mcp_data.worker_keys x where x.kind = p_kind and x.kid = p_kid and x.dropped_at is null;
  return case when not found then jsonb_build_object('outcome', 'not_found')
    when w.used_since is not null then jsonb_build_object('outcome', 'in_use')
    when w.added_at > now() - interval '24 hours' then
      jsonb_build_object('outcome', 'too_early', 'at', w.added_at + interval '24 hours') end;
end $$;

-- What is alive under each pepper, by its kid and place: {kid: {place: {count, until?}}}. Internal. `until` is when the last of it expires
-- by itself; what has none must be replaced by its holder.
create or replace function mcp_data.key_uses() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_object_agg(g.kid, g.places), '{}') from (
    select u.kid, jsonb_object_agg(u.place, jsonb_strip_nulls(jsonb_build_object('count', u.count, 'until', u.until))) as places from (
      select x.kid, x.place, count(*), case when count(*) = count(x.until) then max(x.until) end as until from (
        select k.key_kid as kid, 'api_keys' as place, k.expires_at as until from mcp_data.server_keys k
        where k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
        union all select m.token_kid, 'management_tokens', null from mcp_data.management_tokens m where m.revoked_at is null
        union all select p.token_kid, 'personal_tokens', p.expires_at from mcp_data.personal_tokens p
        where p.revoked_at is null and p.expires_at > now()
        union all select s.session_kid, 'sessions', s.expires_at from mcp_data.sessions s where s.ended_at is null and s.expires_at > now()
        union all select c.refresh_kid, 'refresh_tokens', least(c.refresh_idle_expires_at, c.refresh_expires_at) from mcp_data.connections c
        where c.refresh_kid is not null and c.revoked_at is null and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now()
        union all select c.code_kid, 'codes', c.code_expires_at from mcp_data.connections c
        where c.code_redeemed_at is null and c.code_expires_at > now()
        union all select t.browser_kid, 'transactions', t.expires_at from mcp_data.transactions t where t.expires_at > now()
        union all select w.kid, 'webhooks', null from mcp_data.webhooks w
      ) x group by x.kid, x.place
    ) u group by u.kid
  ) g);
end $$;

-- Registers a client by hand (HTTP-API "Client registration"): a public one, whose redirects the caller has checked. Internal.
-- outcomes: added {client} · exists
create or replace function mcp_data.operate_add_client(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  c mcp_data.clients;
begin
  insert into mcp_data.clients (client_id, client_name, redirect_uris, client_uri)
  values (p_arguments->>'client_id', p_arguments->>'client_name', mcp_data.text_array(p_arguments->'redirect_uris'), p_arguments->>'client_uri')
  on conflict (client_id) do nothing returning * into c;
  if c.client_id is null then
    return jsonb_build_object('outcome', 'exists');
  end if;
  perform mcp_data.add_event('operator.client_added', null, null, c.client_id, null, null,
    jsonb_build_object('client_name', c.client_name, 'redirect_uris', c.redirect_uris), p_request);
  return jsonb_build_object('outcome', 'added', 'client', jsonb_strip_nulls(to_jsonb(c)));
end $$;

-- Blocks a client of any kind (M12): its next request of any sort is refused, its tokens are inactive. Internal. Nothing is revoked, so
-- that lifting the block brings everything back.
-- outcomes: blocked {connections} · already_blocked
create or replace function mcp_data.operate_block_client(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_client_id text := p_arguments->>'client_id';
  v_digest bytea := sha256(convert_to(p_arguments->>'client_id', 'UTF8'));
  v_count integer;
begin
  if exists (select from mcp_data.clients c where c.client_id = v_client_id and c.blocked_at is not null) then
    return jsonb_build_object('outcome', 'already_blocked');
  end if;
  insert into mcp_data.blocked_clients (client_id_digest, reason) values (v_digest, p_arguments->>'reason') on conflict do nothing;
  if not found then
    return jsonb_build_object('outcome', 'already_blocked');
  end if;
  select count(*) into v_count from mcp_data.connections c where c.client_id_digest = v_digest and c.revoked_at is null;
  perform mcp_data.add_event('operator.client_blocked', p_arguments->>'reason', null, v_client_id, null, null,
    jsonb_build_object('connections', v_count), p_request);
  return jsonb_build_object('outcome', 'blocked', 'connections', v_count);
end $$;

-- Notes one step in the life of one of the Worker's keys, and refuses one that would come too early (SECURITY §6). The keys themselves
-- are never here. `present` names those that the Worker has, newest first, `published` those of them that do not sign yet. `add`: a new
-- one, in use at once, or published alone where it signs and is not wanted `now`. `use`: a published key signs from now on. `drop`: an
-- old one goes; with `now` before its time. Internal.
-- outcomes: noted {kind, kid, step} · too_many · exists · too_early {at} · still_needed {uses} · in_use · never · not_found · unknown_step
create or replace function mcp_data.operate_change_keys(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_kind text := p_arguments->>'kind';
  v_kid text := p_arguments->>'kid';
  v_step text := p_arguments->>'step';
  v_present text[] := mcp_data.text_array(p_arguments->'present');
  v_refusal jsonb;
begin
  perform pg_advisory_xact_lock(hashtext('mcp_data.worker_keys'));
  -- What the Worker has had before anybody kept book: as if it had come now, so that no wait is too short.
  insert into mcp_data.worker_keys as w (kind, kid, used_since)
  select v_kind, k, case when not k = any(mcp_data.text_array(p_arguments->'published')) then now() end from unnest(v_present) k
  on conflict (kind, kid) do update set dropped_at = null where w.dropped_at is not null;
  v_refusal := case v_step
    when 'add' then case
      when exists (select from mcp_data.worker_keys w where w.kind = v_kind and w.kid = v_kid) then jsonb_build_object('outcome', 'exists')
      when v_kind in ('token_peppers', 'cookie_keys') and cardinality(v_present) > 1 then jsonb_build_object('outcome', 'too_many') end
    when 'use' then mcp_data.key_use_refusal(v_kind, v_kid)
    when 'drop' then mcp_data.key_drop_refusal(v_kind, v_kid, v_present, coalesce((p_arguments->>'wait_seconds')::integer, 3600),
      coalesce(p_arguments->>'when', '') = 'now')
    else jsonb_build_object('outcome', 'unknown_step') end;
  if v_refusal is not null then
    return v_refusal;
  end if;
  insert into mcp_data.worker_keys as w (kind, kid, used_since) values (v_kind, v_kid, case when v_kind <> 'signing_keys' or p_arguments->>'when' = 'now' then now() end)
  on conflict (kind, kid) do update set used_since = case when v_step = 'use' then now() else w.used_since end,
    dropped_at = case when v_step = 'drop' then now() end;
  perform mcp_data.add_event(case v_step when 'add' then 'operator.key_added' when 'use' then 'operator.key_used' else 'operator.key_dropped' end,
    p_arguments->>'reason', null, null, null, null, jsonb_strip_nulls(jsonb_build_object('kind', v_kind, 'kid', v_kid,
    'when', p_arguments->>'when')), p_request);
  return jsonb_build_object('outcome', 'noted', 'kind', v_kind, 'kid', v_kid, 'step', v_step);
end $$;

-- Deletes an account for good, as its owner could (M18). Internal.
-- outcomes: deleted {account_id, servers, connections} · not_found
create or replace function mcp_data.operate_delete_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts;
  v_account_id uuid := (select x.account_id from mcp_data.accounts x
    where x.account_id::text = lower(p_arguments->>'user') or x.email = lower(p_arguments->>'user'));
  v_servers integer := (select count(*) from mcp_data.servers s where s.owner_account_id = v_account_id and s.status <> 'deleted');
  v_connections integer := (select count(*) from mcp_data.live_connections(v_account_id));
begin
  -- Locks in its own order, so it is not locked here.
  a := mcp_data.end_account(v_account_id, coalesce(p_arguments->>'reason', 'operator'), p_request);
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'deleted', 'account_id', a.account_id, 'servers', v_servers, 'connections', v_connections);
end $$;

-- Disables an account (M12): its sessions end, its connections and tokens are dead for as long as it is disabled. Internal.
-- outcomes: disabled {account_id, sessions, connections} · already_disabled · not_found
create or replace function mcp_data.operate_disable_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
  v_sessions integer;
  v_connections integer;
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif a.disabled_at is not null then
    return jsonb_build_object('outcome', 'already_disabled');
  end if;
  update mcp_data.accounts x set disabled_at = now(), disabled_reason = p_arguments->>'reason' where x.account_id = a.account_id;
  update mcp_data.sessions s set ended_at = now() where s.account_id = a.account_id and s.ended_at is null and s.expires_at > now();
  get diagnostics v_sessions = row_count;
  select count(*) into v_connections from mcp_data.live_connections(a.account_id);
  perform mcp_data.add_event('account.disabled', p_arguments->>'reason', a.account_id, null, null, null,
    jsonb_build_object('sessions', v_sessions, 'connections', v_connections), p_request);
  return jsonb_build_object('outcome', 'disabled', 'account_id', a.account_id, 'sessions', v_sessions, 'connections', v_connections);
end $$;

-- Enables an account again: its connections work as before; it signs in anew. Internal.
-- outcomes: enabled {account_id} · not_disabled · not_found
create or replace function mcp_data.operate_enable_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif a.disabled_at is null then
    return jsonb_build_object('outcome', 'not_disabled');
  end if;
  update mcp_data.accounts x set disabled_at = null, disabled_reason = null where x.account_id = a.account_id;
  perform mcp_data.add_event('account.enabled', p_arguments->>'reason', a.account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'enabled', 'account_id', a.account_id);
end $$;

-- Everything that is kept about a person, for an operator who was asked for it; leaves an event that the person sees. Internal.
-- outcomes: exported {account, servers, sessions, connections, events} · not_found
create or replace function mcp_data.operate_export_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('account.exported', p_arguments->>'reason', a.account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'exported') || mcp_data.describe_account(a.account_id, null);
end $$;

-- The clients that have a row: pre-registered ones, and the ids of others that are blocked, as SHA-256. Internal.
-- outcomes: listed {clients, blocked}
create or replace function mcp_data.operate_list_clients() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object('outcome', 'listed',
    'clients', (select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(c) || jsonb_build_object('blocked_at',
      coalesce(c.blocked_at, b.blocked_at), 'blocked_reason', coalesce(c.blocked_reason, b.reason))) order by c.client_id), '[]')
      from mcp_data.clients c left join mcp_data.blocked_clients b on b.client_id_digest = sha256(convert_to(c.client_id, 'UTF8'))),
    'blocked', (select coalesce(jsonb_agg(jsonb_build_object('client_id_digest', encode(b.client_id_digest, 'hex'), 'reason', b.reason,
      'blocked_at', b.blocked_at) order by b.blocked_at), '[]') from mcp_data.blocked_clients b));
end $$;

-- Ends every connection and personal token at once by raising the issuer epoch (SECURITY §6, M5). Cannot be undone. Internal. One event
-- says it for all: their number is not bounded.
-- outcomes: raised {issuer_epoch, connections}
create or replace function mcp_data.operate_raise_epoch(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_epoch integer;
  v_connections integer;
begin
  update mcp_data.settings x set issuer_epoch = x.issuer_epoch + 1 returning x.issuer_epoch into v_epoch;
  select count(*) into v_connections from mcp_data.connections c
  where c.revoked_at is null and c.issuer_epoch = v_epoch - 1 and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now();
  perform mcp_data.add_event('operator.epoch_raised', p_arguments->>'reason', null, null, null, null,
    jsonb_build_object('issuer_epoch', v_epoch, 'connections', v_connections), p_request);
  return jsonb_build_object('outcome', 'raised', 'issuer_epoch', v_epoch, 'connections', v_connections);
end $$;

-- The state of this deployment as its operator sees it. Internal.
-- outcomes: read {schema_version, issuer_epoch, switches, now, postgres, worker_keys, key_uses, functions, findings, counts}
create or replace function mcp_data.operate_read_state() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'read', 'schema_version', e.schema_version, 'issuer_epoch', e.issuer_epoch,
    'switches', jsonb_build_object('registration', e.registration_is_on, 'email_sign_in', e.email_sign_in_is_on, 'documents', e.documents_are_on),
    'now', clock_timestamp(), 'postgres', current_setting('server_version_num')::integer,
    'worker_keys', (select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(w)) order by w.kind, w.added_at desc), '[]') from mcp_data.worker_keys w),
    'key_uses', mcp_data.key_uses(), 'functions', mcp_data.describe_functions(), 'findings', mcp_data.database_findings(),
    'counts', jsonb_build_object('accounts', (select count(*) from mcp_data.accounts),
      'servers', (select count(*) from mcp_data.servers s where s.status = 'verified'),
      'connections', (select count(*) from mcp_data.connections c where c.revoked_at is null and c.issuer_epoch = e.issuer_epoch
        and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now())))
    from mcp_data.settings e);
end $$;

-- Lets a suspended server prove its URL again; what the suspension ended stays ended. Internal.
-- outcomes: resumed {server} · not_suspended · not_found
create or replace function mcp_data.operate_resume_server(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  s mcp_data.servers := mcp_data.find_server(p_arguments->>'server');
begin
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status <> 'suspended' then
    return jsonb_build_object('outcome', 'not_suspended');
  end if;
  update mcp_data.servers x set status = 'pending', suspended_at = null, suspended_reason = null, proof_failing_since = null
  where x.server_id = s.server_id;
  perform mcp_data.add_event('operator.server_resumed', p_arguments->>'reason', null, null, s.server_id, null, null, p_request);
  return jsonb_build_object('outcome', 'resumed', 'server', mcp_data.describe_server(mcp_data.find_server(s.server_id)));
end $$;

-- Suspends a server (M12): its keys and connections end at once, and its owner cannot undo it by a new proof. Internal.
-- outcomes: suspended {server, keys, connections} · already_suspended · not_found
create or replace function mcp_data.operate_suspend_server(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  s mcp_data.servers := mcp_data.find_server(p_arguments->>'server');
  v_keys integer;
  v_connections integer;
begin
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'suspended' and s.suspended_reason = 'operator' then
    return jsonb_build_object('outcome', 'already_suspended');
  end if;
  select count(*) into v_keys from mcp_data.server_keys k where k.server_id = s.server_id and k.revoked_at is null;
  select count(*) into v_connections from mcp_data.connections c where c.server_id = s.server_id and c.revoked_at is null;
  perform mcp_data.suspend_server(s, 'operator', jsonb_build_object('why', p_arguments->>'reason'), p_request);
  return jsonb_build_object('outcome', 'suspended', 'server', mcp_data.describe_server(mcp_data.find_server(s.server_id)),
    'keys', v_keys, 'connections', v_connections);
end $$;

-- Gives a server to an account (J24), as accepting an offer does: its management tokens and webhooks end; its API keys where `keys` is
-- `revoke`. Internal.
-- outcomes: transferred {server, from?} · own_account · no_account · account_disabled · not_found
create or replace function mcp_data.operate_transfer_server(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  s mcp_data.servers := mcp_data.find_server(p_arguments->>'server');
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
begin
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif a.account_id is null then
    return jsonb_build_object('outcome', 'no_account');
  elsif a.disabled_at is not null then
    return jsonb_build_object('outcome', 'account_disabled');
  elsif s.owner_account_id = a.account_id then
    return jsonb_build_object('outcome', 'own_account');
  end if;
  update mcp_data.servers x set owner_account_id = a.account_id, offered_to_user_id = null, offered_to_email = null
  where x.server_id = s.server_id;
  update mcp_data.management_tokens set revoked_at = now() where server_id = s.server_id and revoked_at is null;
  -- They would tell the former owner what happens here.
  delete from mcp_data.webhooks where server_id = s.server_id;
  if p_arguments->>'keys' = 'revoke' then
    update mcp_data.server_keys set revoked_at = now() where server_id = s.server_id and revoked_at is null;
  end if;
  perform mcp_data.add_event('server.transferred', p_arguments->>'reason', a.account_id, null, s.server_id, null,
    jsonb_strip_nulls(jsonb_build_object('keys_revoked', coalesce(p_arguments->>'keys' = 'revoke', false), 'former_account_id', s.owner_account_id)), p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'transferred', 'server', mcp_data.describe_server(mcp_data.find_server(s.server_id)),
    'from', s.owner_account_id));
end $$;

-- Turns one of the switches (M12): `registration`, `email_sign_in`, `documents`. Internal.
-- outcomes: turned {switch, state} · unchanged {switch, state} · unknown_switch
create or replace function mcp_data.operate_turn_switch(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_switch text := p_arguments->>'switch';
  v_is_on boolean := p_arguments->>'state' = 'on';
  e mcp_data.settings;
begin
  select * into e from mcp_data.settings for update;
  if v_switch is null or v_switch not in ('registration', 'email_sign_in', 'documents') or v_is_on is null then
    return jsonb_build_object('outcome', 'unknown_switch');
  elsif v_is_on = (case v_switch when 'registration' then e.registration_is_on when 'email_sign_in' then e.email_sign_in_is_on
    else e.documents_are_on end) then
    return jsonb_build_object('outcome', 'unchanged', 'switch', v_switch, 'state', p_arguments->>'state');
  end if;
  update mcp_data.settings x set
    registration_is_on = case when v_switch = 'registration' then v_is_on else x.registration_is_on end,
    email_sign_in_is_on = case when v_switch = 'email_sign_in' then v_is_on else x.email_sign_in_is_on end,
    documents_are_on = case when v_switch = 'documents' then v_is_on else x.documents_are_on end;
  perform mcp_data.add_event('operator.switch_turned', p_arguments->>'reason', null, null, null, null,
    jsonb_build_object('switch', v_switch, 'state', p_arguments->>'state'), p_request);
  return jsonb_build_object('outcome', 'turned', 'switch', v_switch, 'state', p_arguments->>'state');
end $$;

-- Lifts the block of a client: what it had works again. Internal.
-- outcomes: unblocked · not_blocked
create or replace function mcp_data.operate_unblock_client(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_client_id text := p_arguments->>'client_id';
  v_rows integer;
  v_count integer;
begin
  delete from mcp_data.blocked_clients b where b.client_id_digest = sha256(convert_to(v_client_id, 'UTF8'));
  get diagnostics v_rows = row_count;
  update mcp_data.clients c set blocked_at = null, blocked_reason = null where c.client_id = v_client_id and c.blocked_at is not null;
  get diagnostics v_count = row_count;
  if v_rows + v_count = 0 then
    return jsonb_build_object('outcome', 'not_blocked');
  end if;
  perform mcp_data.add_event('operator.client_unblocked', p_arguments->>'reason', null, v_client_id, null, null, null, p_request);
  return jsonb_build_object('outcome', 'unblocked');
end $$;

-- The one door for operators: runs a command, or (`p_mode` = `try`) says what it would answer and leaves nothing behind. Every change
-- writes its event in the same transaction (SECURITY §28). `p_request` names who operates.
-- outcomes: those of the command, with `tried` where nothing was kept · unknown_command · unknown_mode
create or replace function mcp.operate(p_command text, p_arguments jsonb, p_mode text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_answer jsonb;
begin
  if p_mode is null or p_mode not in ('do', 'try') then
    return jsonb_build_object('outcome', 'unknown_mode');
  end if;
  v_answer := case p_command
    when 'read_state' then mcp_data.operate_read_state()
    when 'change_keys' then mcp_data.operate_change_keys(p_arguments, p_request)
    when 'list_clients' then mcp_data.operate_list_clients()
    when 'add_client' then mcp_data.operate_add_client(p_arguments, p_request)
    when 'block_client' then mcp_data.operate_block_client(p_arguments, p_request)
    when 'unblock_client' then mcp_data.operate_unblock_client(p_arguments, p_request)
    when 'suspend_server' then mcp_data.operate_suspend_server(p_arguments, p_request)
    when 'resume_server' then mcp_data.operate_resume_server(p_arguments, p_request)
    when 'transfer_server' then mcp_data.operate_transfer_server(p_arguments, p_request)
    when 'disable_user' then mcp_data.operate_disable_user(p_arguments, p_request)
    when 'enable_user' then mcp_data.operate_enable_user(p_arguments, p_request)
    when 'export_user' then mcp_data.operate_export_user(p_arguments, p_request)
    when 'delete_user' then mcp_data.operate_delete_user(p_arguments, p_request)
    when 'turn_switch' then mcp_data.operate_turn_switch(p_arguments, p_request)
    when 'raise_epoch' then mcp_data.operate_raise_epoch(p_arguments, p_request)
    else jsonb_build_object('outcome', 'unknown_command') end;
  -- What a variable holds outlives the savepoint that this block is; everything else in it does not.
  if p_mode = 'try' then
    raise exception 'tried' using errcode = 'MCPTR';
  end if;
  return v_answer;
exception when sqlstate 'MCPTR' then
  return v_answer || jsonb_build_object('tried', true);
end $$;
grant execute on function mcp.operate(text, jsonb, text, jsonb) to mcp_operator;

-- The switches that the Worker asks for (M12): e-mail sign-in is not among them, because the calls that decide about it look themselves.
-- outcomes: read {registration, documents}
create or replace function mcp.read_switches() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'read', 'registration', e.registration_is_on, 'documents', e.documents_are_on)
    from mcp_data.settings e);
end $$;
grant execute on function mcp.read_switches() to mcp_worker;

-- Stores a one-time code for a transaction before it is mailed (SECURITY §15, §16; C2, C18, C19, C20). The newest replaces the
-- older one; no account is made. A limit that is reached gives the same page and no mail.
-- outcomes: sent {email, expires_at_seconds, server_host?} · suppressed {email} · switched_off · transaction_gone {reason}
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
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  elsif not (select e.email_sign_in_is_on from mcp_data.settings e) then
    return jsonb_build_object('outcome', 'switched_off');
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

-- Claims the servers whose proof is to be looked at again (SECURITY §23): a week after the last look, a day after one that failed. A
-- bounded number; claimed ones are not due again before their time, also for another run that works beside. None while documents are
-- switched off: nobody's proof fails because nobody looked.
-- outcomes: taken {servers}
create or replace function mcp.take_proof_checks(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_servers jsonb;
begin
  with claimed as (
    update mcp_data.servers v set proof_checked_at = now()
    where v.server_id = any(array(
      select x.server_id from mcp_data.servers x
      where x.status = 'verified' and x.proof_method <> 'loopback' and (select e.documents_are_on from mcp_data.settings e)
        and x.proof_checked_at < now() - case when x.proof_failing_since is null then interval '7 days' else interval '1 day' end
      order by x.proof_checked_at limit p_limit for update skip locked))
    returning v.server_id, v.server_url)
  select coalesce(jsonb_agg(jsonb_build_object('server_id', c.server_id, 'server_url', c.server_url)), '[]') into v_servers
  from claimed c;
  return jsonb_build_object('outcome', 'taken', 'servers', v_servers);
end $$;
grant execute on function mcp.take_proof_checks(integer) to mcp_worker;

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

update mcp_data.settings set schema_version = '20261127110000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127120000_seeing.sql

-- A database that takes no changes for a while goes on judging tokens, and says so (HTTP-API, GET /ready).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Introspection (RFC 7662 §2.2, SECURITY §21; H2, H7, H14, H15, H17). Two reads: the key with its server, then the
-- connection with account and client. The Worker has checked the token's signature; a null connection is garbage, and still
-- the key is judged. This is the hottest function, so it does not ask connection_state but repeats its rule; the tests hold
-- both to the same switches. A database that takes no changes for a while (a full disk, a standby) goes on judging: only what is
-- counted is left out.
-- outcomes: active {sub, client_id, scopes, aud, username?, email?, email_verified?, server_id, auth_time_seconds} ·
--   inactive {reason} · key_refused {reason}
create or replace function mcp.introspect_token(p_key_id text, p_key_digests bytea[], p_server_id text, p_connection_id text,
  p_audience text, p_epoch integer, p_expires_at_seconds bigint, p_scope text[], p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  k record;
  r record;
  v_can_write boolean := current_setting('transaction_read_only') = 'off';
begin
  select x.server_id, x.last_used_at, v.server_url, v.scope_names, v.share_email, v.status, v.owner_account_id,
    v.client_policy, v.has_client_rules,
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
  if v_can_write and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute') then
    update mcp_data.server_keys set last_used_at = now() where key_id = p_key_id;
  end if;
  if p_connection_id is null then
    return jsonb_build_object('outcome', 'inactive', 'reason', 'token_malformed');
  end if;
  select c.connection_id, c.server_id, c.client_id_digest, c.refused_at, c.account_id, c.client_id, c.resource, c.scopes, c.resource_kind, c.last_used_at, c.auth_time, c.email_shared, a.email,
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
      -- Where every client may come, nothing is asked (A36).
      when (k.client_policy <> 'any' or k.has_client_rules) and not mcp_data.client_is_allowed(k.server_id, k.client_policy,
        k.has_client_rules, c.client_id, c.client_kind, c.redirect_uri) then 'client_not_allowed'
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
    -- Told to the owner of the server that asks, and at most once a minute a connection; expiry is no trouble.
    if v_can_write and r.server_id = k.server_id and r.reason <> 'token_expired' and (r.refused_at is null or r.refused_at < now() - interval '1 minute') then
      update mcp_data.connections set refused_at = now(), refused_step = 'introspection', refused_reason = r.reason,
        refused_request_id = left(p_request->>'request_id', 100) where connection_id = p_connection_id;
    end if;
    return jsonb_build_object('outcome', 'inactive', 'reason', r.reason);
  end if;
  if v_can_write and (r.last_used_at is null or r.last_used_at < now() - interval '1 minute') then
    update mcp_data.connections set last_used_at = now() where connection_id = p_connection_id;
    perform mcp_data.count_usage_of(r.server_id, r.client_id_digest, r.connection_id, 0,
      case when mcp_data.is_first_use_of_day(r.last_used_at) then 1 else 0 end, 0, 1);
  end if;
  return jsonb_build_object('outcome', 'active', 'sub', r.account_id, 'client_id', r.client_id, 'aud', r.resource,
    'server_id', k.server_id, 'auth_time_seconds', floor(extract(epoch from r.auth_time))::bigint,
    'scopes', to_jsonb(mcp_data.effective_scopes(r.scopes, r.resource_kind, k.scope_names, coalesce(p_scope, '{}'))))
    || case when k.share_email and r.email_shared then jsonb_build_object('username', r.email, 'email', r.email, 'email_verified', true) else '{}' end;
end $$;
grant execute on function mcp.introspect_token(text, bytea[], text, text, text, integer, bigint, text[], jsonb) to mcp_worker;

-- Answers a refused API key (H7). An event only where the secret was right, and at most once an hour and key, so that a
-- forgotten deployment writes no flood. Internal.
create or replace function mcp_data.refuse_key(p_key_id text, p_reason text, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_server_id text;
begin
  if p_reason <> 'key_unknown' and current_setting('transaction_read_only') = 'off' then
    update mcp_data.server_keys set last_refused_at = now()
    where key_id = p_key_id and (last_refused_at is null or last_refused_at < now() - interval '1 hour')
    returning server_id into v_server_id;
    if found then
      perform mcp_data.add_event('key.refused', p_reason, null, null, v_server_id, null, jsonb_build_object('key_id', p_key_id), p_request);
    end if;
  end if;
  return jsonb_build_object('outcome', 'key_refused', 'reason', p_reason);
end $$;

-- Whether the database answers, with which schema, and whether it takes changes (HTTP-API, GET /ready). What the server is set to
-- counts, and not this transaction: PostgREST reads with a stable function in one that can only read.
-- outcomes: ready {schema_version, takes_changes}
create or replace function mcp.read_readiness() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'ready', 'schema_version', e.schema_version,
    'takes_changes', not pg_is_in_recovery() and current_setting('default_transaction_read_only') = 'off') from mcp_data.settings e);
end $$;
grant execute on function mcp.read_readiness() to mcp_worker;

update mcp_data.settings set schema_version = '20261127120000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127130000_owner_rest.sql

-- Owners: keys that end are told by mail, every list has pages, an authorization is found by the reference that was seen, and a proof
-- that failed can be shown again at once (HTTP-API "Server management"; SECURITY §23, §28).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- They take a cursor from now on.
drop function mcp.list_keys(text, jsonb);
drop function mcp.list_servers(jsonb);
drop function mcp.list_personal_tokens(jsonb);
drop function mcp.list_offers(jsonb);
drop function mcp.list_authorizations(text, jsonb, text, integer);

-- Where a page of rows ends: the moment of its last row in microseconds, and its id. Internal.
create or replace function mcp_data.row_cursor(p_moment timestamptz, p_id text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return floor(extract(epoch from p_moment) * 1000000)::bigint || '.' || p_id;
end $$;

-- Who looks at one of our own pages, so that the page can say so; null for every caller of /api. Internal.
create or replace function mcp_data.viewer_email(p_caller jsonb, p_account_id uuid) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case when p_caller->>'kind' = 'session'
    then (select a.email from mcp_data.accounts a where a.account_id = p_account_id) end;
end $$;

-- API keys that end within a week and of which nobody was told yet, a bounded number: each is taken once, its webhooks hear of it,
-- and its owner is to be told by mail.
-- outcomes: taken {keys}
create or replace function mcp.take_expiring_keys(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  k mcp_data.server_keys;
  v_keys jsonb := '[]';
begin
  for k in
    update mcp_data.server_keys x set expiry_told_at = now() where x.key_id = any(array(
      select y.key_id from mcp_data.server_keys y
      where y.expires_at < now() + interval '7 days' and y.expiry_told_at is null and y.revoked_at is null and y.expires_at > now()
      order by y.expires_at limit p_limit for update skip locked))
    returning x.*
  loop
    perform mcp_data.add_event('key.expiring', null, null, null, k.server_id, null, jsonb_build_object('key_id', k.key_id,
      'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint), null);
    v_keys := v_keys || jsonb_strip_nulls(jsonb_build_object('key_id', k.key_id, 'server_id', k.server_id,
      'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint,
      'notice', (select mcp_data.addressee(s.owner_account_id) from mcp_data.servers s where s.server_id = k.server_id)));
  end loop;
  return jsonb_build_object('outcome', 'taken', 'keys', v_keys);
end $$;
grant execute on function mcp.take_expiring_keys(integer) to mcp_worker;

-- Claims messages that are due, a bounded number, each for five minutes: whoever claims one and dies loses nothing.
-- outcomes: taken {messages}
create or replace function mcp.take_webhook_messages(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_messages jsonb;
begin
  with claimed as (
    update mcp_data.webhook_messages m set next_attempt_at = now() + interval '5 minutes', attempts = m.attempts + 1
    where m.message_id = any(array(
      select x.message_id from mcp_data.webhook_messages x where x.next_attempt_at <= now()
      order by x.next_attempt_at limit p_limit for update skip locked))
    returning m.message_id, m.webhook_id, m.payload)
  select coalesce(jsonb_agg(jsonb_build_object('message_id', c.message_id, 'webhook_id', c.webhook_id, 'url', w.url, 'kid', w.kid,
    'payload', c.payload)), '[]') into v_messages
  from claimed c join mcp_data.webhooks w on w.webhook_id = c.webhook_id;
  return jsonb_build_object('outcome', 'taken', 'messages', v_messages);
end $$;
grant execute on function mcp.take_webhook_messages(integer) to mcp_worker;

-- The API keys of a server, newest first, without secrets (J5). `p_before` is the `next` of the page before.
-- outcomes: found {keys, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_keys(p_server_id text, p_caller jsonb, p_before text default null, p_limit integer default 100)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_keys jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  if (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_key(x.k) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.k).created_at, (x.k).key_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_keys, v_next
  from (
    select y.k, row_number() over (order by (y.k).created_at desc, (y.k).key_id desc) as place, count(*) over () as count
    from (select k from mcp_data.server_keys k
      where k.server_id = p_server_id
        and (p_before is null or (k.created_at, k.key_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by k.created_at desc, k.key_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'keys', v_keys, 'next', v_next));
end $$;
grant execute on function mcp.list_keys(text, jsonb, text, integer) to mcp_worker;

-- The caller's servers, newest first (J24). `p_before` is the `next` of the page before; `viewer_email` is for our own pages.
-- outcomes: found {servers, next?, viewer_email?} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_servers(p_caller jsonb, p_before text default null, p_limit integer default 100) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_servers jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_server(x.s) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.s).created_at, (x.s).server_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_servers, v_next
  from (
    select y.s, row_number() over (order by (y.s).created_at desc, (y.s).server_id desc) as place, count(*) over () as count
    from (select s from mcp_data.servers s
      where s.status <> 'deleted' and (s.owner_account_id = v_caller.account_id or s.server_id = v_caller.server_id)
        and (p_before is null or (s.created_at, s.server_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by s.created_at desc, s.server_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'servers', v_servers, 'next', v_next,
    'viewer_email', mcp_data.viewer_email(p_caller, v_caller.account_id)));
end $$;
grant execute on function mcp.list_servers(jsonb, text, integer) to mcp_worker;

-- The caller's personal tokens, newest first, without secrets (J5, J19). `p_before` is the `next` of the page before; `viewer_email`
-- is for our own pages.
-- outcomes: found {tokens, next?, viewer_email?} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_personal_tokens(p_caller jsonb, p_before text default null, p_limit integer default 100) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_tokens jsonb;
  v_next text;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:read');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_personal_token(x.t) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.t).created_at, (x.t).token_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_tokens, v_next
  from (
    select y.t, row_number() over (order by (y.t).created_at desc, (y.t).token_id desc) as place, count(*) over () as count
    from (select t from mcp_data.personal_tokens t
      where t.account_id = v_owner.account_id
        and (p_before is null or (t.created_at, t.token_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by t.created_at desc, t.token_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'tokens', v_tokens, 'next', v_next,
    'viewer_email', mcp_data.viewer_email(p_caller, v_owner.account_id)));
end $$;
grant execute on function mcp.list_personal_tokens(jsonb, text, integer) to mcp_worker;

-- A server that waits for somebody to accept or decline it. Internal. `from_email` is the owner who offers; absent where a stranger
-- registered it in the person's name.
create or replace function mcp_data.describe_offer(s mcp_data.servers) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('server_id', s.server_id, 'server_url', s.server_url,
    'server_name', s.server_name, 'status', s.status, 'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names),
    'created_at_seconds', floor(extract(epoch from s.created_at))::bigint,
    'from_email', (select a.email from mcp_data.accounts a where a.account_id = s.owner_account_id)));
end $$;

-- The servers that wait for this person to accept or decline them (J2), newest first. `p_before` is the `next` of the page before.
-- outcomes: found {offers, next?} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_offers(p_caller jsonb, p_before text default null, p_limit integer default 100) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_offers jsonb;
  v_next text;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:read');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_offer(x.s) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.s).created_at, (x.s).server_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_offers, v_next
  from (
    select y.s, row_number() over (order by (y.s).created_at desc, (y.s).server_id desc) as place, count(*) over () as count
    from (select s from mcp_data.servers s
      where (s.offered_to_user_id = v_owner.account_id::text or s.offered_to_email = v_owner.email)
        and mcp_data.offered_to(s, v_owner.account_id, v_owner.email)
        and (p_before is null or (s.created_at, s.server_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by s.created_at desc, s.server_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'offers', v_offers, 'next', v_next));
end $$;
grant execute on function mcp.list_offers(jsonb, text, integer) to mcp_worker;

-- One server (HTTP-API "Server management"; J3). All of it for who manages it, the public facts for everybody else.
-- `viewer_email` is for our own pages.
-- outcomes: found {server, public?, viewer_email?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.read_server(p_server_id text, p_caller jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
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
      return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'server', mcp_data.describe_server(s),
        'viewer_email', mcp_data.viewer_email(p_caller, v_caller.account_id)));
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

-- The last authorizations at a server and how far each came (diagnosis): transactions of the last hour that led nowhere yet, and
-- connections. Newest first; `p_before` is the `next` of the page before. With `p_reference` only those which gave somebody that
-- reference: on a page, in an answer to a program, or with a token's last refusal.
-- outcomes: found {authorizations, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_authorizations(p_server_id text, p_caller jsonb, p_before text, p_limit integer,
  p_reference text default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  -- What the events of that reference are about.
  v_transactions text[];
  v_connections text[];
  v_found jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if p_reference is not null then
    select coalesce(array_agg(e.transaction_id) filter (where e.transaction_id is not null), '{}'),
      coalesce(array_agg(e.connection_id) filter (where e.connection_id is not null), '{}')
    into v_transactions, v_connections
    from (select * from mcp_data.audit_events x where x.server_id = p_server_id and x.request_id = p_reference limit 100) e;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_authorization(p_server_id, x.transaction_id, x.connection_id, x.started_at, x.client, x.state)
      order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor(x.started_at, x.id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_found, v_next
  from (
    select y.*, row_number() over (order by y.started_at desc, y.id desc) as place, count(*) over () as count
    from (
      (select t.transaction_id as id, t.transaction_id, null::text as connection_id, t.created_at as started_at, t.client,
        case when t.decision = 'denied' then 'denied' when t.expires_at <= now() then 'abandoned'
          when t.account_id is not null then 'signed_in' else 'waiting' end as state
      from mcp_data.transactions t
      where t.server_id = p_server_id and t.decision is distinct from 'approved'
        and (p_reference is null or t.transaction_id = any(v_transactions))
        and (p_before is null or (t.created_at, t.transaction_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by t.created_at desc, t.transaction_id desc limit p_limit + 1)
      union all
      (select c.connection_id, c.transaction_id, c.connection_id, c.created_at, c.client,
        case when c.revoked_at is not null then 'ended' when c.suspended_at is not null then 'suspended'
          when c.code_redeemed_at is not null then 'connected' when c.code_expires_at <= now() then 'code_not_redeemed' else 'approved' end
      from mcp_data.connections c
      where c.server_id = p_server_id
        and (p_reference is null or c.refused_request_id = p_reference or c.connection_id = any(v_connections)
          or c.transaction_id = any(v_transactions))
        and (p_before is null or (c.created_at, c.connection_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by c.created_at desc, c.connection_id desc limit p_limit + 1)
      order by started_at desc, id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'authorizations', v_found, 'next', v_next));
end $$;
grant execute on function mcp.list_authorizations(text, jsonb, text, integer, text) to mcp_worker;

-- Who is connected to a server, newest first (HTTP-API "Server management"; J26). `p_before` is the `next` of the page before.
-- outcomes: found {connections, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_server_connections(p_server_id text, p_caller jsonb, p_before text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  s mcp_data.servers;
  v_connections jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_server_connection(x.c, s) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.c).created_at, (x.c).connection_id))
      filter (where x.place = p_limit and x.count > p_limit)
  into v_connections, v_next
  from (
    select y.c, row_number() over (order by (y.c).created_at desc, (y.c).connection_id desc) as place, count(*) over () as count
    from (select c from mcp_data.connections c cross join mcp_data.settings e
      where c.server_id = p_server_id and c.revoked_at is null and c.issuer_epoch = e.issuer_epoch and c.code_redeemed_at is not null
        and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now()
        and (p_before is null or (c.created_at, c.connection_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by c.created_at desc, c.connection_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'connections', v_connections, 'next', v_next));
end $$;
grant execute on function mcp.list_server_connections(text, jsonb, text, integer) to mcp_worker;

-- Whether a server's URL may be asked for its proof now: at most once a minute (HTTP-API "Proof of server_url"). An owner names
-- the server; at an authorization the URL is enough, for all that wait for it: its document says which of them it is. The two are
-- counted apart, so that nobody keeps others from it by asking. Whoever holds the URL learns of each claimant, once.
-- outcomes: due {server_url} · too_soon {retry_after_seconds} · verified {server} · suspended · not_found · caller_unknown ·
--   scope_missing {scope} · sign_in
create or replace function mcp.begin_verification(p_server_id text, p_server_url text, p_caller jsonb, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
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
  -- A holder whose proof fails may show that it is mended before the next look.
  elsif s.status = 'verified' and s.proof_failing_since is null then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  elsif s.status = 'suspended' and coalesce(s.suspended_reason, '') not in ('taken_over', 'proof_failing') then
    return jsonb_build_object('outcome', 'suspended');
  end if;
  v_wait := mcp_data.take_limit('server_proof', coalesce(p_server_id, p_server_url), array[60], array[1]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'too_soon', 'retry_after_seconds', v_wait);
  end if;
  -- In one order, as whoever finishes takes them.
  perform from mcp_data.servers v where v.server_url = s.server_url and v.status in ('pending', 'suspended')
    and (p_server_id is null or v.server_id = p_server_id) order by v.server_id for update;
  if p_server_id is not null and s.status <> 'verified' and s.verification_begun_at is null then
    select * into v_holder from mcp_data.servers v where v.server_url = s.server_url and v.status = 'verified';
    if found then
      perform mcp_data.add_event('server.contested', null, v_holder.owner_account_id, null, v_holder.server_id, null,
        jsonb_build_object('by', s.server_id), p_request);
    end if;
  end if;
  update mcp_data.servers v set verification_begun_at = now()
  where v.server_url = s.server_url and (v.status in ('pending', 'suspended') or v.server_id = p_server_id)
    and (p_server_id is null or v.server_id = p_server_id);
  return jsonb_build_object('outcome', 'due', 'server_url', s.server_url);
end $$;
grant execute on function mcp.begin_verification(text, text, jsonb, jsonb) to mcp_worker;

-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands.
-- Both are told: by events, and by mail where an account owns them.
-- outcomes: verified {server} · taken_over {server, from, owner?, former_owner?} ·
--   holder_stands · not_found
create or replace function mcp.finish_verification(p_server_id text, p_server_url text, p_proof jsonb default null, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s mcp_data.servers;
  v_holder mcp_data.servers;
  v_named text[] := mcp_data.text_array(p_proof->'named');
begin
  -- All claimants of a URL, in one order: two that finish at once wait for each other.
  perform from mcp_data.servers v where v.server_url = p_server_url and v.status <> 'deleted' order by v.server_id for update;
  select * into s from mcp_data.servers v where (v.server_id = p_server_id or p_server_id is null) and v.server_url = p_server_url
    and (v.status in ('pending', 'verified') or (v.status = 'suspended' and v.suspended_reason in ('taken_over', 'proof_failing')))
    -- An authorization names no registration: any that the proof names and that waits.
    and (p_server_id is not null or (v.status = 'pending' and v.server_id = any(v_named)))
  order by v.created_at limit 1;
  if not found or s.verification_begun_at is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'verified' then
    update mcp_data.servers v set proof_method = coalesce(p_proof->>'method', v.proof_method), proof_checked_at = now(),
      proof_failing_since = null, proof_seen = left(p_proof->>'seen', 2000)
    where v.server_id = s.server_id and v.proof_failing_since is not null;
    select * into s from mcp_data.servers v where v.server_id = s.server_id;
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  select * into v_holder from mcp_data.servers v where v.server_url = p_server_url and v.status = 'verified';
  if v_holder.verified_at >= s.verification_begun_at or v_holder.server_id = any(v_named) then
    return jsonb_build_object('outcome', 'holder_stands');
  end if;
  if v_holder.server_id is not null then
    perform mcp_data.suspend_server(v_holder, 'taken_over', jsonb_build_object('by', s.server_id), p_request);
  end if;
  update mcp_data.servers v set status = 'verified', verified_at = clock_timestamp(), suspended_at = null, suspended_reason = null,
    proof_method = coalesce(p_proof->>'method', 'document'), proof_checked_at = now(), proof_failing_since = null,
    proof_seen = left(p_proof->>'seen', 2000)
  where v.server_id = s.server_id returning * into s;
  perform mcp_data.add_event('server.verified', case when v_holder.server_id is null then s.proof_method else 'taken_over' end,
    s.owner_account_id, null, s.server_id, null, jsonb_strip_nulls(jsonb_build_object('from', v_holder.server_id)), p_request);
  if v_holder.server_id is null then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'taken_over', 'server', mcp_data.describe_server(s),
    'from', v_holder.server_id,
    'owner', mcp_data.addressee(s.owner_account_id), 'former_owner', mcp_data.addressee(v_holder.owner_account_id)));
end $$;
grant execute on function mcp.finish_verification(text, text, jsonb, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261127130000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127131000_owner_limits.sql

-- Owners: every change is counted by the configured number an hour, and whoever is cut off by a block finds that in the account
-- (SECURITY "Limits", §28).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

drop function mcp.offer_server(text, jsonb, text, jsonb);
drop function mcp.create_client_rule(text, jsonb, jsonb, jsonb);
drop function mcp.create_webhook(text, jsonb, jsonb, jsonb);
drop function mcp.update_server(text, jsonb, jsonb, jsonb);

-- Offers a server to another person, by e-mail address (HTTP-API "Server management"); null takes every offer back. Nothing changes
-- hands until that person accepts. The answer is the same whether or not the address has an account; `notice` is for the mail.
-- outcomes: offered {server, notice?} · withdrawn {server} · own_address · limited {reason, retry_after_seconds} · not_found ·
--   caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.offer_server(p_server_id text, p_caller jsonb, p_email text, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  s mcp_data.servers;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_email = (select a.email from mcp_data.accounts a where a.account_id = s.owner_account_id) then
    return jsonb_build_object('outcome', 'own_address');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  update mcp_data.servers x set offered_to_email = p_email, offered_to_user_id = null
  where x.server_id = p_server_id and x.status <> 'deleted' and x.owner_account_id is not distinct from s.owner_account_id
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_email is null then
    return jsonb_build_object('outcome', 'withdrawn', 'server', mcp_data.describe_server(s));
  end if;
  perform mcp_data.add_event('server.offered', null, v_caller.account_id, null, p_server_id, null, null, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'offered', 'server', mcp_data.describe_server(s),
    'notice', (select mcp_data.addressee(a.account_id) from mcp_data.accounts a where a.email = p_email)));
end $$;
grant execute on function mcp.offer_server(text, jsonb, text, jsonb, jsonb) to mcp_worker;

-- Lets a client or a host in, or keeps it out and cuts its connections at once (A36, M12). One rule a subject, at most 100 a server.
-- One event says it for all connections, whose number is not bounded; the first thousand have one of their own as well, so that their
-- persons find it and webhooks hear of it, and the block never waits for more.
-- outcomes: created {rule, connections_ended} · rule_exists · limited {reason, retry_after_seconds?} · not_found · caller_unknown ·
--   scope_missing {scope} · sign_in
create or replace function mcp.create_client_rule(p_server_id text, p_caller jsonb, p_rule jsonb, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  v_ended integer := 0;
  r mcp_data.server_client_rules;
  x mcp_data.connections;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- Locks the server, so that parallel calls are counted one after the other.
  perform from mcp_data.servers s
  where s.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id and s.status <> 'deleted'
  for no key update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif (select count(*) from mcp_data.server_client_rules o where o.server_id = p_server_id) >= 100 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'client_rules');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.server_client_rules (rule_id, server_id, effect, client_id, host, subject_digest)
  values (p_rule->>'rule_id', p_server_id, p_rule->>'effect', p_rule->>'client_id', p_rule->>'host',
    case when p_rule ? 'client_id' then mcp_data.rule_subject('client', p_rule->>'client_id')
      else mcp_data.rule_subject('host', p_rule->>'host') end)
  on conflict (server_id, subject_digest) do nothing returning * into r;
  if not found then
    return jsonb_build_object('outcome', 'rule_exists');
  end if;
  update mcp_data.servers set has_client_rules = true where server_id = p_server_id;
  if r.effect = 'block' then
    for x in
      update mcp_data.connections c set revoked_at = now(), revoked_reason = 'client_not_allowed', successor_ciphertext = null
      where c.server_id = p_server_id and c.revoked_at is null
        and case when r.client_id is not null then c.client_id = r.client_id
          else r.host = any(mcp_data.client_hosts(c.client_id, c.client_kind, c.redirect_uri)) end
      returning c.*
    loop
      v_ended := v_ended + 1;
      if v_ended <= 1000 then
        perform mcp_data.add_event('connection.revoked', 'client_not_allowed', x.account_id, x.client_id, x.server_id,
          x.connection_id, null, p_request);
      end if;
    end loop;
  end if;
  perform mcp_data.add_event(case r.effect when 'block' then 'client.blocked' else 'client.allowed' end, null, v_caller.account_id,
    r.client_id, p_server_id, null, jsonb_strip_nulls(jsonb_build_object('host', r.host, 'connections', v_ended)), p_request);
  return jsonb_build_object('outcome', 'created', 'rule', mcp_data.describe_client_rule(r), 'connections_ended', v_ended);
end $$;
grant execute on function mcp.create_client_rule(text, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

-- Makes a webhook for a server (HTTP-API "Webhooks"), at most five.
-- outcomes: created {webhook} · limited {reason, retry_after_seconds?} · not_found · caller_unknown · scope_missing {scope} · sign_in ·
--   not_fresh
create or replace function mcp.create_webhook(p_server_id text, p_caller jsonb, p_webhook jsonb, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  w mcp_data.webhooks;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- Locks the server, so that parallel calls are counted one after the other.
  perform from mcp_data.servers s
  where s.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id and s.status <> 'deleted'
  for no key update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif (select count(*) from mcp_data.webhooks x where x.server_id = p_server_id) >= 5 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'webhooks');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.webhooks (webhook_id, server_id, url, kid, events)
  values (p_webhook->>'webhook_id', p_server_id, p_webhook->>'url', p_webhook->>'kid', mcp_data.text_array(p_webhook->'events'))
  returning * into w;
  perform mcp_data.add_event('webhook.created', null, v_caller.account_id, null, p_server_id, null,
    jsonb_build_object('webhook_id', w.webhook_id), p_request);
  return jsonb_build_object('outcome', 'created', 'webhook', mcp_data.describe_webhook(w));
end $$;
grant execute on function mcp.create_webhook(text, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

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
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'updated', 'server', mcp_data.describe_server(s),
    -- Scopes that grow are told (J22).
    'notice', case when not s.scope_names <@ v_before.scope_names then mcp_data.addressee(s.owner_account_id) end));
end $$;
grant execute on function mcp.update_server(text, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261127131000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127135000_key_steps.sql

-- A key is made known to every isolate before one of them writes with it: put in front at once, those of before would refuse what is
-- newer (SECURITY §6).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Why a key that is known may not be used yet; null where it may. Internal. Whoever checks signatures may keep the published set for a
-- day (SECURITY §6); other keys are known when the deployment that brought them has reached every isolate.
create or replace function mcp_data.key_use_refusal(p_kind text, p_kid text) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_wait interval := case p_kind when 'signing_keys' then interval '24 hours' else interval '15 minutes' end;
  w mcp_data.worker_keys;
begin
  select * into w from mcp_data.worker_keys x where x.kind = p_kind and x.kid = p_kid and x.dropped_at is null;
  return case when not found then jsonb_build_object('outcome', 'not_found')
    when w.used_since is not null then jsonb_build_object('outcome', 'in_use')
    when w.added_at > now() - v_wait then jsonb_build_object('outcome', 'too_early', 'at', w.added_at + v_wait) end;
end $$;

-- Notes one step in the life of one of the Worker's keys, and refuses one that would come too early (SECURITY §6). The keys themselves
-- are never here. `present` names those that the Worker has, the one that writes first, `published` those of them that only sign later.
-- `add`: a new one that is made known and not used, or used at once where it is wanted `now`. `use`: it writes, or signs, from now on.
-- `drop`: an old one goes; with `now` before its time. Internal.
-- outcomes: noted {kind, kid, step} · too_many · exists · too_early {at} · still_needed {uses} · in_use · never · not_found · unknown_step
create or replace function mcp_data.operate_change_keys(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_kind text := p_arguments->>'kind';
  v_kid text := p_arguments->>'kid';
  v_step text := p_arguments->>'step';
  v_present text[] := mcp_data.text_array(p_arguments->'present');
  v_refusal jsonb;
begin
  perform pg_advisory_xact_lock(hashtext('mcp_data.worker_keys'));
  -- What the Worker has had before anybody kept book: as if it had come now, so that no wait is too short.
  insert into mcp_data.worker_keys as w (kind, kid, used_since)
  select v_kind, k, case when not k = any(mcp_data.text_array(p_arguments->'published')) then now() end from unnest(v_present) k
  on conflict (kind, kid) do update set dropped_at = null where w.dropped_at is not null;
  v_refusal := case v_step
    when 'add' then case
      when exists (select from mcp_data.worker_keys w where w.kind = v_kind and w.kid = v_kid) then jsonb_build_object('outcome', 'exists')
      when v_kind in ('token_peppers', 'cookie_keys') and cardinality(v_present) > 1 then jsonb_build_object('outcome', 'too_many') end
    when 'use' then mcp_data.key_use_refusal(v_kind, v_kid)
    when 'drop' then mcp_data.key_drop_refusal(v_kind, v_kid, v_present, coalesce((p_arguments->>'wait_seconds')::integer, 3600),
      coalesce(p_arguments->>'when', '') = 'now')
    else jsonb_build_object('outcome', 'unknown_step') end;
  if v_refusal is not null then
    return v_refusal;
  end if;
  insert into mcp_data.worker_keys as w (kind, kid, used_since) values (v_kind, v_kid, case when p_arguments->>'when' = 'now' then now() end)
  on conflict (kind, kid) do update set used_since = case when v_step = 'use' then now() else w.used_since end,
    dropped_at = case when v_step = 'drop' then now() end;
  perform mcp_data.add_event(case v_step when 'add' then 'operator.key_added' when 'use' then 'operator.key_used' else 'operator.key_dropped' end,
    p_arguments->>'reason', null, null, null, null, jsonb_strip_nulls(jsonb_build_object('kind', v_kind, 'kid', v_kid,
    'when', p_arguments->>'when')), p_request);
  return jsonb_build_object('outcome', 'noted', 'kind', v_kind, 'kid', v_kid, 'step', v_step);
end $$;

update mcp_data.settings set schema_version = '20261127135000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127140000_sign_in.sql

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

-- migrations/20261127150000_introspection_plan.sql

-- Introspection keeps its plan (decision 14): until the small tables have been counted, which may never happen, PostgreSQL took a new
-- one for cheaper and planned at each call, for three times the time of the call itself.
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

alter function mcp.introspect_token(text, bytea[], text, text, text, integer, bigint, text[], jsonb) set plan_cache_mode = 'force_generic_plan';

update mcp_data.settings set schema_version = '20261127150000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127160000_repeatable_creation.sql

-- Personal tokens and webhooks may be asked for again under an idempotency key, as keys and servers may: so that a form that a browser
-- sends twice makes one (draft-ietf-httpapi-idempotency-key-header).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Each gets another argument, so the old ones go.
drop function mcp.create_personal_token(jsonb, jsonb, jsonb, jsonb);
drop function mcp.create_webhook(text, jsonb, jsonb, jsonb, jsonb);

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
    perform mcp_data.add_event('limit.hit', 'tokens', v_owner.account_id, null, null, null, null, p_request);
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

-- Makes a webhook for a server (HTTP-API "Webhooks"), at most five. Its secret is drawn from its id under the key `kid`. With an
-- idempotency key the same call answers the same webhook (`replayed`).
-- outcomes: created {webhook, kid, replayed?} · idempotency_mismatch · limited {reason, retry_after_seconds?} · not_found ·
--   caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.create_webhook(p_server_id text, p_caller jsonb, p_webhook jsonb, p_limits jsonb default null,
  p_idempotency jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_before record;
  v_wait integer;
  w mcp_data.webhooks;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
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
  v_before := mcp_data.made_before(p_idempotency);
  if v_before.is_mismatch then
    return jsonb_build_object('outcome', 'idempotency_mismatch');
  elsif v_before.made_id is not null then
    select * into w from mcp_data.webhooks x where x.webhook_id = v_before.made_id and x.server_id = p_server_id;
    return case when found then jsonb_build_object('outcome', 'created', 'webhook', mcp_data.describe_webhook(w), 'kid', w.kid,
        'replayed', true)
      else jsonb_build_object('outcome', 'not_found') end;
  elsif (select count(*) from mcp_data.webhooks x where x.server_id = p_server_id) >= 5 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'webhooks');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.webhooks (webhook_id, server_id, url, kid, events)
  values (p_webhook->>'webhook_id', p_server_id, p_webhook->>'url', p_webhook->>'kid', mcp_data.text_array(p_webhook->'events'))
  returning * into w;
  perform mcp_data.add_event('webhook.created', null, v_caller.account_id, null, p_server_id, null,
    jsonb_build_object('webhook_id', w.webhook_id), p_request);
  perform mcp_data.keep_idempotency_key(p_idempotency, w.webhook_id);
  return jsonb_build_object('outcome', 'created', 'webhook', mcp_data.describe_webhook(w), 'kid', w.kid);
end $$;
grant execute on function mcp.create_webhook(text, jsonb, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261127160000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127170000_floods_and_takeovers.sql

-- Floods by whoever has a transaction, a code or a server write little, mail little and keep nobody else waiting (SECURITY "Limits",
-- §28; THREATS C6, M8). A server's URL changes hands only where its holder's own way of proof has answered, and what nobody could tell of
-- a proof is asked again in an hour (SECURITY §23; THREATS J10, J11).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

drop index mcp_data.webhook_messages_due;
create index webhook_messages_due on mcp_data.webhook_messages (webhook_id, next_attempt_at) where next_attempt_at is not null;

-- Stores a one-time code for a transaction before it is mailed (SECURITY §15, §16; C2, C18, C19, C20). The newest replaces the
-- older one; no account is made. A limit that is reached gives the same page and no mail.
-- outcomes: sent {email, expires_at_seconds, server_host?} · suppressed {email} · switched_off · transaction_gone {reason}
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
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  elsif not (select e.email_sign_in_is_on from mcp_data.settings e) then
    return jsonb_build_object('outcome', 'switched_off');
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
    -- Ten events an hour: whoever asks again and again writes nothing more (M8).
    if mcp_data.take_limit('code_limit_told', coalesce(p_ip, p_transaction_id), array[3600], array[10]) = 0 then
      perform mcp_data.add_event('limit.hit', v_limit, v_account_id, t.client_id, t.server_id, null, null, p_request);
    end if;
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

-- What follows from a refused code (F1, F2): a proven replay ends the connection, a wrong verifier is an event, nothing else
-- leaves a trace. Internal.
create or replace function mcp_data.refuse_code(p_connection mcp_data.connections, p_refusal text, p_client jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  v_event text := case p_refusal when 'code_replayed' then 'authorization_code.replayed' when 'verifier_mismatch' then 'pkce.failed' end;
begin
  perform mcp_data.note_refusal(p_connection, 'token', p_refusal, p_request);
  if p_refusal = 'client_changed' then
    perform mcp_data.suspend_connections(p_connection, p_client, p_request);
  end if;
  if v_event is null or p_connection.revoked_at is not null then
    return;
  end if;
  -- Ten events a minute: whoever holds a code may try it as often as they like (M8).
  if p_refusal = 'verifier_mismatch' then
    if mcp_data.take_limit('pkce_failed', p_connection.connection_id, array[60], array[10]) > 0 then
      return;
    end if;
  end if;
  perform mcp_data.add_event(v_event, p_refusal, p_connection.account_id, p_connection.client_id, p_connection.server_id,
    p_connection.connection_id, null, p_request);
  if p_refusal = 'code_replayed' then
    perform mcp_data.revoke_connection(p_connection, p_refusal, p_request);
  end if;
end $$;

-- Offers a server to another person, by e-mail address (HTTP-API "Server management"); null takes every offer back. Nothing changes
-- hands until that person accepts. The answer is the same whether or not the address has an account; `notice` is for the mail, of which
-- one person gets three in 15 minutes and ten a day, whoever offers (C6).
-- outcomes: offered {server, notice?} · withdrawn {server} · own_address · limited {reason, retry_after_seconds} · not_found ·
--   caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.offer_server(p_server_id text, p_caller jsonb, p_email text, p_limits jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
  v_notice jsonb;
  s mcp_data.servers;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_email = (select a.email from mcp_data.accounts a where a.account_id = s.owner_account_id) then
    return jsonb_build_object('outcome', 'own_address');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  update mcp_data.servers x set offered_to_email = p_email, offered_to_user_id = null
  where x.server_id = p_server_id and x.status <> 'deleted' and x.owner_account_id is not distinct from s.owner_account_id
  returning * into s;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_email is null then
    return jsonb_build_object('outcome', 'withdrawn', 'server', mcp_data.describe_server(s));
  end if;
  perform mcp_data.add_event('server.offered', null, v_caller.account_id, null, p_server_id, null, null, p_request);
  select mcp_data.addressee(a.account_id) into v_notice from mcp_data.accounts a where a.email = p_email;
  if v_notice is not null then
    if mcp_data.take_limit('offer_mail', p_email, array[900, 86400], array[3, 10]) > 0 then
      v_notice := null;
    end if;
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'offered', 'server', mcp_data.describe_server(s), 'notice', v_notice));
end $$;
grant execute on function mcp.offer_server(text, jsonb, text, jsonb, jsonb) to mcp_worker;

-- Claims messages that are due, a bounded number, each for five minutes: whoever claims one and dies loses nothing. Owners take turns,
-- so that a backlog of one keeps nobody else's waiting (M8); of each webhook no more is looked at than could be claimed.
-- outcomes: taken {messages}
create or replace function mcp.take_webhook_messages(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_messages jsonb;
begin
  with claimed as (
    update mcp_data.webhook_messages m set next_attempt_at = now() + interval '5 minutes', attempts = m.attempts + 1
    where m.message_id = any(array(
      select x.message_id from mcp_data.webhook_messages x
      where x.next_attempt_at <= now() and x.message_id = any(array(
        select d.message_id from (
          select q.message_id, q.next_attempt_at, row_number() over (
            partition by coalesce(s.owner_account_id::text, s.server_id) order by q.next_attempt_at) as turn
          from mcp_data.webhooks h join mcp_data.servers s on s.server_id = h.server_id
          cross join lateral (select y.message_id, y.next_attempt_at from mcp_data.webhook_messages y
            where y.webhook_id = h.webhook_id and y.next_attempt_at <= now() order by y.next_attempt_at limit p_limit) q) d
        order by d.turn, d.next_attempt_at limit p_limit))
      for update skip locked))
    returning m.message_id, m.webhook_id, m.payload)
  select coalesce(jsonb_agg(jsonb_build_object('message_id', c.message_id, 'webhook_id', c.webhook_id, 'url', w.url, 'kid', w.kid,
    'payload', c.payload)), '[]') into v_messages
  from claimed c join mcp_data.webhooks w on w.webhook_id = c.webhook_id;
  return jsonb_build_object('outcome', 'taken', 'messages', v_messages);
end $$;
grant execute on function mcp.take_webhook_messages(integer) to mcp_worker;

-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands. So it does
-- where its own way of proof is not among those that have answered (`looked`): nobody knows then that it fails.
-- Both are told: by events, and by mail where an account owns them.
-- outcomes: verified {server} · taken_over {server, from, owner?, former_owner?} ·
--   holder_stands · not_found
create or replace function mcp.finish_verification(p_server_id text, p_server_url text, p_proof jsonb default null, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s mcp_data.servers;
  v_holder mcp_data.servers;
  v_named text[] := mcp_data.text_array(p_proof->'named');
begin
  -- All claimants of a URL, in one order: two that finish at once wait for each other.
  perform from mcp_data.servers v where v.server_url = p_server_url and v.status <> 'deleted' order by v.server_id for update;
  select * into s from mcp_data.servers v where (v.server_id = p_server_id or p_server_id is null) and v.server_url = p_server_url
    and (v.status in ('pending', 'verified') or (v.status = 'suspended' and v.suspended_reason in ('taken_over', 'proof_failing')))
    -- An authorization names no registration: any that the proof names and that waits.
    and (p_server_id is not null or (v.status = 'pending' and v.server_id = any(v_named)))
  order by v.created_at limit 1;
  if not found or s.verification_begun_at is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'verified' then
    update mcp_data.servers v set proof_method = coalesce(p_proof->>'method', v.proof_method), proof_checked_at = now(),
      proof_failing_since = null, proof_seen = left(p_proof->>'seen', 2000)
    where v.server_id = s.server_id and v.proof_failing_since is not null;
    select * into s from mcp_data.servers v where v.server_id = s.server_id;
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  select * into v_holder from mcp_data.servers v where v.server_url = p_server_url and v.status = 'verified';
  if v_holder.verified_at >= s.verification_begun_at or v_holder.server_id = any(v_named) then
    return jsonb_build_object('outcome', 'holder_stands');
  elsif v_holder.proof_method in ('document', 'dns') and p_proof ? 'looked' and not p_proof->'looked' ? v_holder.proof_method then
    return jsonb_build_object('outcome', 'holder_stands');
  end if;
  if v_holder.server_id is not null then
    perform mcp_data.suspend_server(v_holder, 'taken_over', jsonb_build_object('by', s.server_id), p_request);
  end if;
  update mcp_data.servers v set status = 'verified', verified_at = clock_timestamp(), suspended_at = null, suspended_reason = null,
    proof_method = coalesce(p_proof->>'method', 'document'), proof_checked_at = now(), proof_failing_since = null,
    proof_seen = left(p_proof->>'seen', 2000)
  where v.server_id = s.server_id returning * into s;
  perform mcp_data.add_event('server.verified', case when v_holder.server_id is null then s.proof_method else 'taken_over' end,
    s.owner_account_id, null, s.server_id, null, jsonb_strip_nulls(jsonb_build_object('from', v_holder.server_id)), p_request);
  if v_holder.server_id is null then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'taken_over', 'server', mcp_data.describe_server(s),
    'from', v_holder.server_id,
    'owner', mcp_data.addressee(s.owner_account_id), 'former_owner', mcp_data.addressee(v_holder.owner_account_id)));
end $$;
grant execute on function mcp.finish_verification(text, text, jsonb, jsonb) to mcp_worker;

-- Claims the servers whose proof is to be looked at again (SECURITY §23): a week after the last look, a day after one that failed. A
-- bounded number; claimed ones are not due again before an hour has passed, also for another run that works beside: that is when one
-- comes again of which nobody could tell. None while documents are switched off: nobody's proof fails because nobody looked.
-- outcomes: taken {servers}
create or replace function mcp.take_proof_checks(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_servers jsonb;
begin
  with claimed as (
    update mcp_data.servers v set proof_checked_at = now() + interval '1 hour' - case when v.proof_failing_since is null then interval '7 days' else interval '1 day' end
    where v.server_id = any(array(
      select x.server_id from mcp_data.servers x
      where x.status = 'verified' and x.proof_method <> 'loopback' and (select e.documents_are_on from mcp_data.settings e)
        and x.proof_checked_at < now() - case when x.proof_failing_since is null then interval '7 days' else interval '1 day' end
      order by x.proof_checked_at limit p_limit for update skip locked))
    returning v.server_id, v.server_url)
  select coalesce(jsonb_agg(jsonb_build_object('server_id', c.server_id, 'server_url', c.server_url)), '[]') into v_servers
  from claimed c;
  return jsonb_build_object('outcome', 'taken', 'servers', v_servers);
end $$;
grant execute on function mcp.take_proof_checks(integer) to mcp_worker;

update mcp_data.settings set schema_version = '20261127170000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127180000_lost_passkeys.sql

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

-- migrations/20261127181000_identity_mail.sql

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

-- migrations/20261127190000_shown_consent.sql

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

-- migrations/20261127195000_operator_passkeys.sql

-- An operator can remove the passkeys of an account (THREATS J22).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Removes all passkeys of an account and ends its sessions: for whoever a stranger's passkey keeps from removing it, and for whoever
-- cannot wait (THREATS J22). Internal.
-- outcomes: removed {account_id, passkeys, sessions} · no_passkeys · not_found
create or replace function mcp_data.operate_remove_passkeys(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
  v_passkeys integer;
  v_sessions integer;
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  delete from mcp_data.passkeys p where p.account_id = a.account_id;
  get diagnostics v_passkeys = row_count;
  if v_passkeys = 0 then
    return jsonb_build_object('outcome', 'no_passkeys');
  end if;
  delete from mcp_data.lost_passkeys l where l.account_id = a.account_id;
  update mcp_data.sessions s set ended_at = now() where s.account_id = a.account_id and s.ended_at is null and s.expires_at > now();
  get diagnostics v_sessions = row_count;
  perform mcp_data.add_event('passkey.removed', p_arguments->>'reason', a.account_id, null, null, null,
    jsonb_build_object('passkeys', v_passkeys, 'sessions', v_sessions), p_request);
  return jsonb_build_object('outcome', 'removed', 'account_id', a.account_id, 'passkeys', v_passkeys, 'sessions', v_sessions);
end $$;

-- The one door for operators: runs a command, or (`p_mode` = `try`) says what it would answer and leaves nothing behind. Every change
-- writes its event in the same transaction (SECURITY §28). `p_request` names who operates.
-- outcomes: those of the command, with `tried` where nothing was kept · unknown_command · unknown_mode
create or replace function mcp.operate(p_command text, p_arguments jsonb, p_mode text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_answer jsonb;
begin
  if p_mode is null or p_mode not in ('do', 'try') then
    return jsonb_build_object('outcome', 'unknown_mode');
  end if;
  v_answer := case p_command
    when 'read_state' then mcp_data.operate_read_state()
    when 'change_keys' then mcp_data.operate_change_keys(p_arguments, p_request)
    when 'list_clients' then mcp_data.operate_list_clients()
    when 'add_client' then mcp_data.operate_add_client(p_arguments, p_request)
    when 'block_client' then mcp_data.operate_block_client(p_arguments, p_request)
    when 'unblock_client' then mcp_data.operate_unblock_client(p_arguments, p_request)
    when 'suspend_server' then mcp_data.operate_suspend_server(p_arguments, p_request)
    when 'resume_server' then mcp_data.operate_resume_server(p_arguments, p_request)
    when 'transfer_server' then mcp_data.operate_transfer_server(p_arguments, p_request)
    when 'disable_user' then mcp_data.operate_disable_user(p_arguments, p_request)
    when 'enable_user' then mcp_data.operate_enable_user(p_arguments, p_request)
    when 'export_user' then mcp_data.operate_export_user(p_arguments, p_request)
    when 'remove_passkeys' then mcp_data.operate_remove_passkeys(p_arguments, p_request)
    when 'delete_user' then mcp_data.operate_delete_user(p_arguments, p_request)
    when 'turn_switch' then mcp_data.operate_turn_switch(p_arguments, p_request)
    when 'raise_epoch' then mcp_data.operate_raise_epoch(p_arguments, p_request)
    else jsonb_build_object('outcome', 'unknown_command') end;
  -- What a variable holds outlives the savepoint that this block is; everything else in it does not.
  if p_mode = 'try' then
    raise exception 'tried' using errcode = 'MCPTR';
  end if;
  return v_answer;
exception when sqlstate 'MCPTR' then
  return v_answer || jsonb_build_object('tried', true);
end $$;
grant execute on function mcp.operate(text, jsonb, text, jsonb) to mcp_operator;

update mcp_data.settings set schema_version = '20261127195000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127200000_report_ended.sql

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

-- migrations/20261127201000_overlapping_proofs.sql

-- Of two tries to prove a server's URL that overlap, the one begun last decides (HTTP-API "Proof of server_url"; THREATS J8-J11).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- They take one argument more, which can be left out.
drop function mcp.finish_verification(text, text, jsonb, jsonb);
drop function mcp.record_proof_check(text, jsonb, text, jsonb);

-- Whether a server's URL may be asked for its proof now: at most once a minute (HTTP-API "Proof of server_url"). An owner names
-- the server; at an authorization the URL is enough, for all that wait for it: its document says which of them it is. The two are
-- counted apart, so that nobody keeps others from it by asking. Whoever holds the URL learns of each claimant, once. What is seen is
-- handed in with `begun_at`: a try that is begun after this one makes it count no more.
-- outcomes: due {server_url, begun_at} · too_soon {retry_after_seconds} · verified {server} · suspended · not_found · caller_unknown ·
--   scope_missing {scope} · sign_in
create or replace function mcp.begin_verification(p_server_id text, p_server_url text, p_caller jsonb, p_request jsonb default null)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_wait integer;
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
  -- A holder whose proof fails may show that it is mended before the next look.
  elsif s.status = 'verified' and s.proof_failing_since is null then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  elsif s.status = 'suspended' and coalesce(s.suspended_reason, '') not in ('taken_over', 'proof_failing') then
    return jsonb_build_object('outcome', 'suspended');
  end if;
  v_wait := mcp_data.take_limit('server_proof', coalesce(p_server_id, p_server_url), array[60], array[1]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'too_soon', 'retry_after_seconds', v_wait);
  end if;
  -- In one order, as whoever finishes takes them.
  perform from mcp_data.servers v where v.server_url = s.server_url
    and case when p_server_id is null then v.status = 'pending' else v.server_id = p_server_id end order by v.server_id for update;
  -- Under the lock, and not when the transaction began: whoever is second here is the later one.
  v_begun_at := clock_timestamp();
  if p_server_id is not null and s.status <> 'verified' and s.verification_begun_at is null then
    select * into v_holder from mcp_data.servers v where v.server_url = s.server_url and v.status = 'verified';
    if found then
      perform mcp_data.add_event('server.contested', null, v_holder.owner_account_id, null, v_holder.server_id, null,
        jsonb_build_object('by', s.server_id), p_request);
    end if;
  end if;
  update mcp_data.servers v set verification_begun_at = v_begun_at
  where v.server_url = s.server_url
    and case when p_server_id is null then v.status = 'pending' else v.server_id = p_server_id end;
  return jsonb_build_object('outcome', 'due', 'server_url', s.server_url, 'begun_at', v_begun_at);
end $$;
grant execute on function mcp.begin_verification(text, text, jsonb, jsonb) to mcp_worker;

-- What follows once the document at a server's URL has named this registration (HTTP-API "Proof of server_url"; J8-J10, J13). The
-- document names one, so whoever held the URL before fails its proof at this moment: it is suspended, its keys and connections
-- end. Unless the holder was proven after this proof was begun: then the document has changed since, and the holder stands. So it does
-- where its own way of proof is not among those that have answered (`looked`): nobody knows then that it fails.
-- Both are told: by events, and by mail where an account owns them. p_begun_at is what begin_verification has said; null from a Worker
-- that is too old to know it. Where a later try has begun, this document may be of before a change, and that try decides.
-- outcomes: verified {server} · taken_over {server, from, owner?, former_owner?} ·
--   holder_stands · superseded · not_found
create or replace function mcp.finish_verification(p_server_id text, p_server_url text, p_proof jsonb default null, p_request jsonb default null,
  p_begun_at timestamptz default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s mcp_data.servers;
  v_holder mcp_data.servers;
  v_named text[] := mcp_data.text_array(p_proof->'named');
begin
  -- All claimants of a URL, in one order: two that finish at once wait for each other.
  perform from mcp_data.servers v where v.server_url = p_server_url and v.status <> 'deleted' order by v.server_id for update;
  select * into s from mcp_data.servers v where (v.server_id = p_server_id or p_server_id is null) and v.server_url = p_server_url
    and (v.status in ('pending', 'verified') or (v.status = 'suspended' and v.suspended_reason in ('taken_over', 'proof_failing')))
    -- An authorization names no registration: any that the proof names and that waits.
    and (p_server_id is not null or (v.status = 'pending' and v.server_id = any(v_named)))
  order by v.created_at limit 1;
  if not found or s.verification_begun_at is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_begun_at < s.verification_begun_at then
    return jsonb_build_object('outcome', 'superseded');
  elsif s.status = 'verified' then
    update mcp_data.servers v set proof_method = coalesce(p_proof->>'method', v.proof_method), proof_checked_at = now(),
      proof_failing_since = null, proof_seen = left(p_proof->>'seen', 2000)
    where v.server_id = s.server_id and v.proof_failing_since is not null;
    select * into s from mcp_data.servers v where v.server_id = s.server_id;
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  select * into v_holder from mcp_data.servers v where v.server_url = p_server_url and v.status = 'verified';
  -- Proven for the first time, or looked at again and found so.
  if greatest(v_holder.verified_at, case when v_holder.proof_failing_since is null then v_holder.proof_checked_at end) >= s.verification_begun_at
    or v_holder.server_id = any(v_named) then
    return jsonb_build_object('outcome', 'holder_stands');
  elsif v_holder.proof_method in ('document', 'dns') and p_proof ? 'looked' and not p_proof->'looked' ? v_holder.proof_method then
    return jsonb_build_object('outcome', 'holder_stands');
  end if;
  if v_holder.server_id is not null then
    perform mcp_data.suspend_server(v_holder, 'taken_over', jsonb_build_object('by', s.server_id), p_request);
  end if;
  update mcp_data.servers v set status = 'verified', verified_at = clock_timestamp(), suspended_at = null, suspended_reason = null,
    proof_method = coalesce(p_proof->>'method', 'document'), proof_checked_at = now(), proof_failing_since = null,
    proof_seen = left(p_proof->>'seen', 2000)
  where v.server_id = s.server_id returning * into s;
  perform mcp_data.add_event('server.verified', case when v_holder.server_id is null then s.proof_method else 'taken_over' end,
    s.owner_account_id, null, s.server_id, null, jsonb_strip_nulls(jsonb_build_object('from', v_holder.server_id)), p_request);
  if v_holder.server_id is null then
    return jsonb_build_object('outcome', 'verified', 'server', mcp_data.describe_server(s));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'taken_over', 'server', mcp_data.describe_server(s),
    'from', v_holder.server_id,
    'owner', mcp_data.addressee(s.owner_account_id), 'former_owner', mcp_data.addressee(v_holder.owner_account_id)));
end $$;
grant execute on function mcp.finish_verification(text, text, jsonb, jsonb, timestamptz) to mcp_worker;

-- Claims the servers whose proof is to be looked at again (SECURITY §23): a week after the last look, a day after one that failed. A
-- bounded number; claimed ones are not due again before an hour has passed, also for another run that works beside: that is when one
-- comes again of which nobody could tell. None while documents are switched off: nobody's proof fails because nobody looked. A look is a
-- try like any other (begin_verification): the last one begun counts.
-- outcomes: taken {servers}
create or replace function mcp.take_proof_checks(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_servers jsonb;
begin
  with claimed as (
    update mcp_data.servers v set verification_begun_at = clock_timestamp(),
      proof_checked_at = now() + interval '1 hour' - case when v.proof_failing_since is null then interval '7 days' else interval '1 day' end
    where v.server_id = any(array(
      select x.server_id from mcp_data.servers x
      where x.status = 'verified' and x.proof_method <> 'loopback' and (select e.documents_are_on from mcp_data.settings e)
        and x.proof_checked_at < now() - case when x.proof_failing_since is null then interval '7 days' else interval '1 day' end
      order by x.proof_checked_at limit p_limit for update skip locked))
    returning v.server_id, v.server_url, v.verification_begun_at)
  select coalesce(jsonb_agg(jsonb_build_object('server_id', c.server_id, 'server_url', c.server_url,
    'begun_at', c.verification_begun_at)), '[]') into v_servers
  from claimed c;
  return jsonb_build_object('outcome', 'taken', 'servers', v_servers);
end $$;
grant execute on function mcp.take_proof_checks(integer) to mcp_worker;

-- Keeps what a look at a server's proof has seen, word for word (SECURITY §23; J11). A proven server whose proof fails is told at the
-- first failure and suspended after 7 failing days; one that waits just keeps what was seen. `p_proof` null: it failed. p_begun_at as in
-- finish_verification: where a later try has begun, that one decides, and nothing is kept of this one.
-- outcomes: proven · failing {since_seconds?, notice?} · suspended {notice?} · superseded · not_found
create or replace function mcp.record_proof_check(p_server_id text, p_proof jsonb, p_seen text, p_request jsonb default null,
  p_begun_at timestamptz default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  s mcp_data.servers;
  v_is_first boolean;
begin
  select * into s from mcp_data.servers v where v.server_id = p_server_id and v.status <> 'deleted' for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  elsif p_begun_at < s.verification_begun_at then
    return jsonb_build_object('outcome', 'superseded');
  elsif p_proof is not null and p_proof <> 'null' then
    update mcp_data.servers v set proof_checked_at = now(), proof_failing_since = null, proof_method = p_proof->>'method',
      proof_seen = left(p_seen, 2000) where v.server_id = p_server_id;
    return jsonb_build_object('outcome', 'proven');
  end if;
  v_is_first := s.status = 'verified' and s.proof_failing_since is null;
  update mcp_data.servers v set proof_checked_at = now(), proof_seen = left(p_seen, 2000),
    proof_failing_since = case when v.status = 'verified' then coalesce(v.proof_failing_since, now()) end
  where v.server_id = p_server_id returning * into s;
  perform mcp_data.add_event('document.fetch_failed', 'server_proof_failed', s.owner_account_id, null, p_server_id, null,
    jsonb_build_object('seen', left(p_seen, 2000)), p_request);
  if s.proof_failing_since <= now() - interval '7 days' then
    perform mcp_data.suspend_server(s, 'proof_failing', null, p_request);
    return jsonb_strip_nulls(jsonb_build_object('outcome', 'suspended', 'notice', mcp_data.addressee(s.owner_account_id)));
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'failing',
    'since_seconds', floor(extract(epoch from s.proof_failing_since))::bigint,
    'notice', case when v_is_first then mcp_data.addressee(s.owner_account_id) end));
end $$;
grant execute on function mcp.record_proof_check(text, jsonb, text, jsonb, timestamptz) to mcp_worker;

update mcp_data.settings set schema_version = '20261127201000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

-- migrations/20261127202000_usage_names.sql

-- The names of clients on the pages of usage go with the last day on which they were used (decision 4).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Finds out whether a client has any day left at a server.
create index usage_days_of_client on mcp_data.usage_days (server_id, client_id_digest);
delete from mcp_data.usage_clients n where not exists (select from mcp_data.usage_days d
  where d.server_id = n.server_id and d.client_id_digest = n.client_id_digest);

-- Removes what has ended, at most p_batch rows a kind (decision 4), and keeps the audit months ahead. p_retention may hold
-- transaction_seconds, session_seconds, connection_seconds, key_seconds, pending_server_seconds, tombstone_seconds, audit_seconds, usage_seconds.
-- outcomes: cleaned {rows, more}
create or replace function mcp.clean_up(p_batch integer, p_retention jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  r jsonb := '{"transaction_seconds": 3600, "session_seconds": 86400, "connection_seconds": 2592000, "key_seconds": 7776000,
    "pending_server_seconds": 1209600, "tombstone_seconds": 7776000, "audit_seconds": 34560000, "usage_seconds": 34560000}'::jsonb || coalesce(p_retention, '{}');
  v_rows jsonb := '{}';
  v_count integer;
  v_server_ids text[];
  v_digests bytea[];
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
  delete from mcp_data.idempotency_keys where key_digest = any(array(select x.key_digest from mcp_data.idempotency_keys x
    where x.expires_at < now() limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('idempotency_keys', v_count);
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
  delete from mcp_data.personal_tokens where token_id = any(array(select x.token_id from mcp_data.personal_tokens x
    where least(x.revoked_at, x.expires_at) < now() - make_interval(secs => (r->>'key_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('personal_tokens', v_count);
  delete from mcp_data.servers where server_id = any(array(select x.server_id from mcp_data.servers x
    where x.deleted_at < now() - make_interval(secs => (r->>'tombstone_seconds')::integer)
      or (x.status = 'pending' and x.owner_account_id is null
        and x.created_at < now() - make_interval(secs => (r->>'pending_server_seconds')::integer))
    limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('servers', v_count);
  delete from mcp_data.webhook_messages where message_id = any(array(select x.message_id from mcp_data.webhook_messages x
    where x.next_attempt_at is null and x.created_at < now() - make_interval(secs => (r->>'connection_seconds')::integer) limit p_batch for update skip locked));
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('webhook_messages', v_count);
  with gone as (
    delete from mcp_data.usage_days d where d.ctid = any(array(select x.ctid from mcp_data.usage_days x
      where x.day < (now() - make_interval(secs => (r->>'usage_seconds')::integer))::date limit p_batch for update skip locked))
    returning d.server_id, d.client_id_digest)
  select count(*), array_agg(g.server_id), array_agg(g.client_id_digest) into v_count, v_server_ids, v_digests from gone g;
  v_rows := v_rows || jsonb_build_object('usage_days', v_count);
  -- The names that were of these days alone. A name is looked at when a day of it goes, and so for the last time when the last one does:
  -- locked first, because two that take the last days between them have to look one after the other.
  perform from mcp_data.usage_clients n where (n.server_id, n.client_id_digest) in (select * from unnest(v_server_ids, v_digests))
    order by n.server_id, n.client_id_digest for update;
  delete from mcp_data.usage_clients n where (n.server_id, n.client_id_digest) in (select * from unnest(v_server_ids, v_digests))
    and not exists (select from mcp_data.usage_days d where d.server_id = n.server_id and d.client_id_digest = n.client_id_digest);
  get diagnostics v_count = row_count;
  v_rows := v_rows || jsonb_build_object('usage_clients', v_count);
  v_rows := v_rows || jsonb_build_object('audit_months',
    mcp_data.drop_audit_partitions(now() - make_interval(secs => (r->>'audit_seconds')::integer), p_batch));
  for v_count in 0..2 loop
    perform mcp_data.make_audit_partition(now() + make_interval(months => v_count));
  end loop;
  return jsonb_build_object('outcome', 'cleaned', 'rows', v_rows,
    'more', exists (select from jsonb_each_text(v_rows) e where e.key <> 'audit_months' and e.value::integer >= p_batch));
end $$;
grant execute on function mcp.clean_up(integer, jsonb) to mcp_worker;

-- Like count_usage_of, for a connection whose row is at hand: the client's name is kept too, at a refresh as well, because the days it
-- was kept for may be gone. Internal.
create or replace function mcp_data.count_usage(p_connection mcp_data.connections, p_connected integer, p_used integer,
  p_refreshed integer, p_active_minutes integer) returns void
language plpgsql set search_path = '' as $$
declare
  c alias for p_connection;
begin
  if c.server_id is not null then
    insert into mcp_data.usage_clients (server_id, client_id_digest, client_id, client_name, client_kind)
    values (c.server_id, c.client_id_digest, c.client_id, c.client->>'client_name', c.client_kind)
    on conflict (server_id, client_id_digest) do nothing;
  end if;
  perform mcp_data.count_usage_of(c.server_id, c.client_id_digest, c.connection_id, p_connected, p_used, p_refreshed, p_active_minutes);
end $$;

update mcp_data.settings set schema_version = '20261127202000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;

commit;
