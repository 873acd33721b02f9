-- One row of facts about this deployment (SECURITY §6). Raising issuer_epoch ends every connection at once.
create table mcp_data.settings (
  only_row boolean not null default true constraint settings_pkey primary key constraint settings_is_one_row check (only_row),
  issuer_epoch integer not null default 1 constraint settings_issuer_epoch_is_positive check (issuer_epoch > 0),
  schema_version text not null
);
