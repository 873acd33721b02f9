-- What the hosted copy of a server's protected-resource metadata says (RFC 9728). Verified servers only (J8).
-- outcomes: found {server_id, resource, server_name, scopes} · not_found
create or replace function mcp.read_protected_resource(p_server_id text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  s mcp_data.servers;
begin
  select * into s from mcp_data.servers where server_id = p_server_id and status = 'verified';
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'found', 'server_id', s.server_id, 'resource', s.server_url,
    'server_name', s.server_name, 'scopes', to_jsonb(s.scope_names));
end $$;
grant execute on function mcp.read_protected_resource(text) to mcp_worker;
