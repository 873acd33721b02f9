-- Writes an audit event that no other call writes, where a caller is known (SECURITY §28). `detail` may name account_id,
-- client_id, server_id and connection_id; they become columns.
-- outcomes: recorded
create or replace function mcp.record_event(p_event text, p_reason text, p_detail jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
begin
  perform mcp_data.add_event(p_event, p_reason, (p_detail->>'account_id')::uuid, p_detail->>'client_id', p_detail->>'server_id',
    p_detail->>'connection_id', nullif(p_detail - array['account_id', 'client_id', 'server_id', 'connection_id'], '{}'), p_request);
  return jsonb_build_object('outcome', 'recorded');
end $$;
grant execute on function mcp.record_event(text, text, jsonb, jsonb) to mcp_worker;
