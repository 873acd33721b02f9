-- A server that waits for somebody to accept or decline it. Internal. `from_email` is the owner who offers; absent where a stranger
-- registered it in the person's name.
create or replace function mcp_data.describe_offer(s mcp_data.servers) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('server_id', s.server_id, 'server_url', s.server_url,
    'server_name', s.server_name, 'status', s.status, 'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names),
    'created_at_seconds', floor(extract(epoch from s.created_at))::bigint,
    'from_email', (select a.email from mcp_data.accounts a where a.account_id = s.owner_account_id)));
end $$;
