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
