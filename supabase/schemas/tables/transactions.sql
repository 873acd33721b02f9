-- Browser transactions (SECURITY §8): ten minutes, bound to one browser's cookie. An authorization is decided once; a sign-in for
-- one of our own pages has the page's path and nothing of a client.
create table mcp_data.transactions (
  transaction_id text not null constraint transactions_pkey primary key
    constraint transactions_transaction_id_has_its_shape check (transaction_id ~ '^[0-9A-Za-z_-]{22}$'),
  browser_digest bytea not null constraint transactions_browser_digest_is_32_bytes check (octet_length(browser_digest) = 32),
  browser_kid text not null constraint transactions_browser_kid_is_short check (length(browser_kid) between 1 and 64),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  client jsonb constraint transactions_client_is_an_object check (jsonb_typeof(client) = 'object'),
  client_id text,
  can_refresh boolean,
  redirect_uri text,
  redirect_trust text constraint transactions_redirect_trust_is_known check (redirect_trust in ('proven', 'unproven')),
  resource text,
  requested_resource text,
  resource_kind text constraint transactions_resource_kind_is_known check (resource_kind in ('server', 'management', 'identity')),
  server_id text references mcp_data.servers (server_id) on delete cascade,
  requested_scopes text[],
  identity_scopes text[],
  code_challenge text constraint transactions_code_challenge_is_s256 check (length(code_challenge) = 43),
  state text,
  nonce text,
  login_hint text,
  -- prompt=login and max_age: a sign-in before this moment is not enough.
  minimum_auth_time timestamptz,
  access_seconds integer,
  -- The account the page was shown for; consent of another one does not count.
  account_id uuid references mcp_data.accounts (account_id) on delete cascade,
  decided_at timestamptz,
  decision text constraint transactions_decision_is_known check (decision in ('approved', 'denied')),
  page text constraint transactions_page_is_ours check (page ~ '^/(account|dashboard)(/[A-Za-z0-9_-]+)*$' and length(page) <= 200),
  -- How many answers to its passkey challenge have come: each makes the next challenge another one.
  passkey_round integer not null default 0,
  -- An account elsewhere that is linked once its address is proven by a code: issuer, subject, email.
  pending_identity jsonb constraint transactions_pending_identity_is_an_object check (jsonb_typeof(pending_identity) = 'object'),
  -- A sign-in for one of our own pages that no code is enough for.
  needs_passkey boolean not null default false,
  -- What its server asked for when it was opened, which is what the consent page shows: no more is taken, whatever the owner changes
  -- while it is read (B10). Null in transactions that are older than these columns.
  required_scopes text[],
  email_is_shared boolean,
  constraint transactions_are_for_a_page_or_whole check (case when page is null
    then num_nulls(client, client_id, can_refresh, redirect_uri, redirect_trust, resource, resource_kind, requested_scopes,
      identity_scopes, code_challenge, access_seconds) = 0
    else num_nonnulls(client, client_id, redirect_uri, resource, server_id, code_challenge) = 0 end),
  constraint transactions_expires_after_created check (expires_at > created_at),
  constraint transactions_decision_has_a_time check ((decision is null) = (decided_at is null)),
  constraint transactions_server_fits_kind check ((resource_kind = 'server') = (server_id is not null))
);
create index transactions_of_server on mcp_data.transactions (server_id, created_at) where server_id is not null;
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
  -- A device on which that person has signed in before: its codes are counted by themselves (C18).
  device_id text constraint email_challenges_device_id_has_its_shape check (device_id ~ '^[0-9A-Za-z_-]{22}$'),
  constraint email_challenges_expires_after_created check (expires_at > created_at),
  constraint email_challenges_attempts_stay_within check (attempts between 0 and attempts_allowed)
);
