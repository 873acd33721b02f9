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
