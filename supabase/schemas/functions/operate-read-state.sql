-- The state of this deployment as its operator sees it. Internal.
-- outcomes: read {schema_version, issuer_epoch, switches, now, postgres, worker_keys, key_uses, functions, findings, counts}
create or replace function mcp_data.operate_read_state() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'read', 'schema_version', e.schema_version, 'issuer_epoch', e.issuer_epoch,
    'switches', jsonb_build_object('registration', e.registration_is_on, 'email_sign_in', e.email_sign_in_is_on, 'documents', e.documents_are_on),
    'now', clock_timestamp(), 'postgres', current_setting('server_version_num')::integer,
    'worker_keys', (select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(w)) order by w.kind, w.added_at desc), '[]') from mcp_data.worker_keys w),
    'key_uses', mcp_data.key_uses(), 'functions', mcp_data.describe_functions(), 'findings', mcp_data.database_findings(),
    'counts', jsonb_build_object('accounts', (select count(*) from mcp_data.accounts),
      'servers', (select count(*) from mcp_data.servers s where s.status = 'verified'),
      'connections', (select count(*) from mcp_data.connections c where c.revoked_at is null and c.issuer_epoch = e.issuer_epoch
        and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now())))
    from mcp_data.settings e);
end $$;
