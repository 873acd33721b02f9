-- Lifts the block of a client: what it had works again. Internal.
-- outcomes: unblocked · not_blocked
create or replace function mcp_data.operate_unblock_client(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_client_id text := p_arguments->>'client_id';
  v_rows integer;
  v_count integer;
begin
  delete from mcp_data.blocked_clients b where b.client_id_digest = sha256(convert_to(v_client_id, 'UTF8'));
  get diagnostics v_rows = row_count;
  update mcp_data.clients c set blocked_at = null, blocked_reason = null where c.client_id = v_client_id and c.blocked_at is not null;
  get diagnostics v_count = row_count;
  if v_rows + v_count = 0 then
    return jsonb_build_object('outcome', 'not_blocked');
  end if;
  perform mcp_data.add_event('operator.client_unblocked', p_arguments->>'reason', null, v_client_id, null, null, null, p_request);
  return jsonb_build_object('outcome', 'unblocked');
end $$;
