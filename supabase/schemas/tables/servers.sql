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
    constraint servers_client_policy_is_known check (client_policy in ('any', 'not_dynamic', 'pre_registered', 'listed')),
  created_at timestamptz not null default now(),
  verified_at timestamptz,
  suspended_at timestamptz,
  suspended_reason text,
  deleted_at timestamptz,
  -- When the last try of its proof was begun, at whoever's wish: what an older one has seen counts no more, and only one that began
  -- after the holder's takes the URL over (HTTP-API "Proof of server_url").
  verification_begun_at timestamptz,
  -- To whom its owner offers it, in canonical form; a registration offers by the account's id.
  offered_to_email text constraint servers_offered_to_email_is_short check (length(offered_to_email) between 3 and 254),
  -- Whether server_client_rules has any of it, so that introspection need not look where there is none.
  has_client_rules boolean not null default false,
  -- How its URL is proven, when that was last looked at, since when it fails, and what was seen, word for word.
  proof_method text constraint servers_proof_method_is_known check (proof_method in ('document', 'dns', 'loopback')),
  proof_checked_at timestamptz,
  proof_failing_since timestamptz,
  proof_seen text,
  -- What its owner asks of a sign-in before consent (THREATS B33): a passkey, and how many seconds ago at most.
  requires_passkey boolean not null default false,
  sign_in_max_age_seconds integer constraint servers_sign_in_max_age_seconds_are_bounded check (sign_in_max_age_seconds between 60 and 604800),
  constraint servers_verified_have_a_time check (status <> 'verified' or verified_at is not null),
  constraint servers_deleted_have_a_time check ((status = 'deleted') = (deleted_at is not null)),
  constraint servers_reserved_scope_names_are_free
    check (not scope_names && array['openid', 'profile', 'email', 'offline_access', '*'])
);
-- One verified server per URL (N9, J10); several may wait for it.
create unique index servers_one_verified_per_url on mcp_data.servers (server_url) where status = 'verified';
create index servers_by_url on mcp_data.servers (server_url) where status <> 'deleted';
create index servers_by_origin on mcp_data.servers (server_origin) where status = 'verified';
create index servers_by_proof_check on mcp_data.servers (proof_checked_at) where status = 'verified' and proof_method <> 'loopback';
create index servers_of_owner on mcp_data.servers (owner_account_id) where status <> 'deleted';
create index servers_offered_to_user on mcp_data.servers (offered_to_user_id) where offered_to_user_id is not null;
create index servers_offered_to_email on mcp_data.servers (offered_to_email) where offered_to_email is not null;

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
  revoked_at timestamptz,
  -- Its owner was told that it will end.
  expiry_told_at timestamptz
) with (fillfactor = 80);
create index server_keys_by_expiry on mcp_data.server_keys (expires_at) where expires_at is not null and expiry_told_at is null;
create index server_keys_of_server on mcp_data.server_keys (server_id);

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
