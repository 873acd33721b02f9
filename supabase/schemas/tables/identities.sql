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
