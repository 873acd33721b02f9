-- Pre-registered clients (HTTP-API "Client registration"): public, any loopback port. And this deployment's settings.
insert into mcp_data.settings (schema_version) values ('20261127202000');

insert into mcp_data.clients (client_id, client_name, redirect_uris)
select c.client_id, c.client_name, array['http://localhost/callback', 'http://localhost/oauth/callback',
  'http://127.0.0.1/callback', 'http://127.0.0.1/oauth/callback', 'http://[::1]/callback', 'http://[::1]/oauth/callback']
from (values ('client_claude_code', 'Claude Code'), ('client_install_mcp', 'install-mcp')) as c (client_id, client_name);

do $$
begin
  perform mcp_data.make_audit_partition(now() + make_interval(months => m)) from generate_series(0, 2) m;
end $$;

-- Back to the role that migrates, see roles.sql.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
