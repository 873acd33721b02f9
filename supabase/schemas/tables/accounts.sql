-- People, keyed by verified e-mail in its canonical form (ARCHITECTURE decision 7, SECURITY §16, §17).
create table mcp_data.accounts (
  account_id uuid not null default gen_random_uuid() constraint accounts_pkey primary key,
  email text not null constraint accounts_email_is_unique unique
    constraint accounts_email_is_an_address check (length(email) between 3 and 254 and position('@' in email) > 1),
  email_verified_at timestamptz not null,
  name text constraint accounts_name_is_short check (length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  disabled_at timestamptz,
  disabled_reason text,
  -- Of the last sign-in: what mails are written in that no browser asks for.
  language text constraint accounts_language_is_a_tag check (language ~ '^[a-z]{2,8}$'),
  -- Device cookies that were signed before are those of strangers (C7, C18).
  devices_forgotten_at timestamptz
);
