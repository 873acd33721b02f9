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
  -- From when on nobody but a passkey removes it. The first of an account waits, so that whoever did not make it can still take it
  -- away with a code; those after it were made by a passkey, and have what the first has.
  settles_at timestamptz not null default now(),
  constraint passkeys_backed_up_are_eligible check (is_backup_eligible or not is_backed_up)
);
create index passkeys_of_account on mcp_data.passkeys (account_id);

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
