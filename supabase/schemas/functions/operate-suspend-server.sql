-- Suspends a server (M12): its keys and connections end at once, and its owner cannot undo it by a new proof. Internal.
-- outcomes: suspended {server, keys, connections} · already_suspended · not_found
create or replace function mcp_data.operate_suspend_server(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  s mcp_data.servers := mcp_data.find_server(p_arguments->>'server');
  v_keys integer;
  v_connections integer;
begin
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status = 'suspended' and s.suspended_reason = 'operator' then
    return jsonb_build_object('outcome', 'already_suspended');
  end if;
  select count(*) into v_keys from mcp_data.server_keys k where k.server_id = s.server_id and k.revoked_at is null;
  select count(*) into v_connections from mcp_data.connections c where c.server_id = s.server_id and c.revoked_at is null;
  perform mcp_data.suspend_server(s, 'operator', jsonb_build_object('why', p_arguments->>'reason'), p_request);
  return jsonb_build_object('outcome', 'suspended', 'server', mcp_data.describe_server(mcp_data.find_server(s.server_id)),
    'keys', v_keys, 'connections', v_connections);
end $$;
