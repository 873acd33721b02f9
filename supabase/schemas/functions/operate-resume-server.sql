-- Lets a suspended server prove its URL again; what the suspension ended stays ended. Internal.
-- outcomes: resumed {server} · not_suspended · not_found
create or replace function mcp_data.operate_resume_server(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  s mcp_data.servers := mcp_data.find_server(p_arguments->>'server');
begin
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif s.status <> 'suspended' then
    return jsonb_build_object('outcome', 'not_suspended');
  end if;
  update mcp_data.servers x set status = 'pending', suspended_at = null, suspended_reason = null, proof_failing_since = null
  where x.server_id = s.server_id;
  perform mcp_data.add_event('operator.server_resumed', p_arguments->>'reason', null, null, s.server_id, null, null, p_request);
  return jsonb_build_object('outcome', 'resumed', 'server', mcp_data.describe_server(mcp_data.find_server(s.server_id)));
end $$;
