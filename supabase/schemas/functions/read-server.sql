-- One server (HTTP-API "Server management"; J3). All of it for who manages it, the public facts for everybody else.
-- `viewer_email` is for our own pages.
-- outcomes: found {server, public?, viewer_email?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.read_server(p_server_id text, p_caller jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  s mcp_data.servers;
begin
  if p_caller is not null and p_caller <> 'null' then
    v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
    if v_caller.refusal is not null then
      return v_caller.refusal;
    end if;
    s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
    if s.server_id is not null then
      return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'server', mcp_data.describe_server(s),
        'viewer_email', mcp_data.viewer_email(p_caller, v_caller.account_id)));
    end if;
  end if;
  select * into s from mcp_data.servers where server_id = p_server_id and status <> 'deleted';
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'found', 'public', true, 'server', jsonb_build_object('server_id', s.server_id,
    'server_url', s.server_url, 'server_name', s.server_name, 'status', s.status,
    'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names)));
end $$;
grant execute on function mcp.read_server(text, jsonb) to mcp_worker;
