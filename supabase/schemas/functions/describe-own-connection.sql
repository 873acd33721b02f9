-- A connection as the person sees it who made it (HTTP-API "Pages"). Internal. A server may be a tombstone; `server` is absent for
-- a connection that is about identity alone.
create or replace function mcp_data.describe_own_connection(c mcp_data.connections) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  s mcp_data.servers;
begin
  select * into s from mcp_data.servers v where v.server_id = c.server_id;
  return jsonb_strip_nulls(jsonb_build_object('connection_id', c.connection_id, 'client', c.client, 'redirect_uri', c.redirect_uri,
    'resource_kind', c.resource_kind, 'resource', c.resource, 'server_name', s.server_name,
    'scopes', to_jsonb(mcp_data.effective_scopes(c.scopes, c.resource_kind, s.scope_names, null)),
    'email_shared', c.resource_kind = 'server' and c.email_shared and s.share_email,
    'suspended', c.suspended_at is not null,
    'first_used_at_seconds', floor(extract(epoch from coalesce(c.code_redeemed_at, c.created_at)))::bigint,
    'last_used_at_seconds', floor(extract(epoch from c.last_used_at))::bigint,
    'idle_expires_at_seconds', floor(extract(epoch from least(c.refresh_idle_expires_at, c.refresh_expires_at)))::bigint,
    'expires_at_seconds', floor(extract(epoch from c.refresh_expires_at))::bigint,
    'user_agent', c.user_agent, 'country', c.country));
end $$;
