-- One row of facts about this deployment (SECURITY §6). Raising issuer_epoch ends every connection at once; the switches stop
-- one way in (M12).
create table mcp_data.settings (
  only_row boolean not null default true constraint settings_pkey primary key constraint settings_is_one_row check (only_row),
  issuer_epoch integer not null default 1 constraint settings_issuer_epoch_is_positive check (issuer_epoch > 0),
  schema_version text not null,
  registration_is_on boolean not null default true,
  email_sign_in_is_on boolean not null default true,
  documents_are_on boolean not null default true
);

-- What is known of the Worker's keys: their names and moments, never a key. It says when an old one may go (SECURITY §6).
create table mcp_data.worker_keys (
  kind text not null constraint worker_keys_kind_is_known
    check (kind in ('token_peppers', 'cookie_keys', 'signing_keys', 'registration_keys')),
  kid text not null constraint worker_keys_kid_is_short check (length(kid) between 1 and 64),
  added_at timestamptz not null default now(),
  -- Absent: published, and not in use yet.
  used_since timestamptz,
  dropped_at timestamptz,
  constraint worker_keys_pkey primary key (kind, kid)
);
