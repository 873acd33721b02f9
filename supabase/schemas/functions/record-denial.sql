-- Writes that a caller of the management API whose credential is good was refused (SECURITY §28): a scope was missing, or what was
-- asked for is not the caller's. At most ten a minute and caller, so that a flood writes little.
-- outcomes: recorded · limited
create or replace function mcp.record_denial(p_caller jsonb, p_reason text, p_asked text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  c mcp_data.connections;
  v_server_id text;
  v_account_id uuid;
begin
  select * into c from mcp_data.connections x where x.connection_id = p_caller->>'connection_id';
  select m.server_id into v_server_id from mcp_data.management_tokens m where m.public_part = p_caller->>'public_part';
  v_account_id := coalesce(c.account_id,
    (select t.account_id from mcp_data.personal_tokens t where t.token_id = p_caller->>'token_id'));
  if mcp_data.take_limit('management_denied', coalesce(p_caller->>'token_id', c.connection_id, v_server_id, ''), array[60], array[10]) > 0 then
    return jsonb_build_object('outcome', 'limited');
  end if;
  perform mcp_data.add_event('management.denied', p_reason, v_account_id, c.client_id, v_server_id, c.connection_id,
    jsonb_strip_nulls(jsonb_build_object('asked', left(p_asked, 100))), p_request);
  return jsonb_build_object('outcome', 'recorded');
end $$;
grant execute on function mcp.record_denial(jsonb, text, text, jsonb) to mcp_worker;
