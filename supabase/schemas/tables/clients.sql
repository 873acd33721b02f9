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

-- Assertions that private_key_jwt clients have used (F14): SHA-256 of client and jti, until they have expired.
create table mcp_data.client_assertions (
  assertion_digest bytea not null constraint client_assertions_pkey primary key
    constraint client_assertions_digest_is_32_bytes check (octet_length(assertion_digest) = 32),
  expires_at timestamptz not null
);
create index client_assertions_by_expiry on mcp_data.client_assertions (expires_at);
