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
  -- RFC 7638 thumbprints of the client's keys when it was last seen, and since when a change of them holds the connection.
  client_keys text[] not null default '{}' constraint connections_client_keys_are_few check (cardinality(client_keys) <= 20),
  suspended_at timestamptz,
  -- Where the person was at the approval, as far as the request told.
  user_agent text,
  country text constraint connections_country_is_a_code check (country ~ '^[A-Z]{2}$'),
  -- The browser transaction it came from, and the last refusal of one of its tokens: what an owner's diagnosis is made of.
  transaction_id text,
  refused_at timestamptz,
  refused_step text constraint connections_refused_step_is_known check (refused_step in ('token', 'refresh', 'introspection')),
  refused_reason text,
  refused_request_id text,
  constraint connections_code_expires_after_created check (code_expires_at > created_at),
  constraint connections_refresh_expires_after_created check (refresh_expires_at > created_at),
  constraint connections_server_fits_kind check ((resource_kind = 'server') = (server_id is not null)),
  constraint connections_revocation_has_a_reason check ((revoked_at is null) = (revoked_reason is null)),
  constraint connections_refresh_digest_has_a_kid check ((refresh_digest is null) = (refresh_kid is null))
) with (fillfactor = 80);
create index connections_of_account on mcp_data.connections (account_id, server_id);
create index connections_of_server on mcp_data.connections (server_id, created_at);
create index connections_by_expiry on mcp_data.connections (refresh_expires_at);
create index connections_revoked on mcp_data.connections (revoked_at) where revoked_at is not null;
create index connections_not_redeemed on mcp_data.connections (code_expires_at) where code_redeemed_at is null;

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
create index usage_days_of_client on mcp_data.usage_days (server_id, client_id_digest);

-- The names for those digests, for as long as there is a day of theirs.
create table mcp_data.usage_clients (
  server_id text not null references mcp_data.servers (server_id) on delete cascade,
  client_id_digest bytea not null constraint usage_clients_digest_is_32_bytes check (octet_length(client_id_digest) = 32),
  client_id text not null,
  client_name text not null,
  client_kind text not null,
  constraint usage_clients_pkey primary key (server_id, client_id_digest)
);
