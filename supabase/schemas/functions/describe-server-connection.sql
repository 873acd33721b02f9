-- A connection as the owner of its server sees it (HTTP-API "Server management"; J26): `sub` is what introspection says, the address
-- only where it is shared. Internal.
create or replace function mcp_data.describe_server_connection(c mcp_data.connections, p_server mcp_data.servers) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('connection_id', c.connection_id, 'client_id', c.client_id,
    'client_name', c.client->>'client_name', 'client_kind', c.client_kind, 'sub', c.account_id,
    'email', case when c.email_shared and p_server.share_email then (select a.email from mcp_data.accounts a where a.account_id = c.account_id) end,
    'scopes', to_jsonb(mcp_data.effective_scopes(c.scopes, c.resource_kind, p_server.scope_names, null)),
    'created_at_seconds', floor(extract(epoch from c.created_at))::bigint,
    'last_used_at_seconds', floor(extract(epoch from c.last_used_at))::bigint,
    'expires_at_seconds', floor(extract(epoch from least(c.refresh_idle_expires_at, c.refresh_expires_at)))::bigint,
    'suspended', c.suspended_at is not null));
end $$;
