-- Blocks a client of any kind (M12): its next request of any sort is refused, its tokens are inactive. Internal. Nothing is revoked, so
-- that lifting the block brings everything back.
-- outcomes: blocked {connections} · already_blocked
create or replace function mcp_data.operate_block_client(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_client_id text := p_arguments->>'client_id';
  v_digest bytea := sha256(convert_to(p_arguments->>'client_id', 'UTF8'));
  v_count integer;
begin
  if exists (select from mcp_data.clients c where c.client_id = v_client_id and c.blocked_at is not null) then
    return jsonb_build_object('outcome', 'already_blocked');
  end if;
  insert into mcp_data.blocked_clients (client_id_digest, reason) values (v_digest, p_arguments->>'reason') on conflict do nothing;
  if not found then
    return jsonb_build_object('outcome', 'already_blocked');
  end if;
  select count(*) into v_count from mcp_data.connections c where c.client_id_digest = v_digest and c.revoked_at is null;
  perform mcp_data.add_event('operator.client_blocked', p_arguments->>'reason', null, v_client_id, null, null,
    jsonb_build_object('connections', v_count), p_request);
  return jsonb_build_object('outcome', 'blocked', 'connections', v_count);
end $$;
