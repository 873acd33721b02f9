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
  country text constraint sessions_country_is_a_code check (country ~ '^[A-Z]{2}$'),
  -- Of the passkey that is being made here; the newest alone, and used up by the answer.
  passkey_challenge_digest bytea constraint sessions_passkey_challenge_is_32_bytes check (octet_length(passkey_challenge_digest) = 32),
  constraint sessions_expires_after_created check (expires_at > created_at)
);
create index sessions_of_account on mcp_data.sessions (account_id);
create index sessions_by_expiry on mcp_data.sessions (expires_at);
