-- What follows from a refused code (F1, F2): a proven replay ends the connection, a wrong verifier is an event, nothing else
-- leaves a trace. Internal.
create or replace function mcp_data.refuse_code(p_connection mcp_data.connections, p_refusal text, p_client jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  v_event text := case p_refusal when 'code_replayed' then 'authorization_code.replayed' when 'verifier_mismatch' then 'pkce.failed' end;
begin
  perform mcp_data.note_refusal(p_connection, 'token', p_refusal, p_request);
  if p_refusal = 'client_changed' then
    perform mcp_data.suspend_connections(p_connection, p_client, p_request);
  end if;
  if v_event is null or p_connection.revoked_at is not null then
    return;
  end if;
  -- Ten events a minute: whoever holds a code may try it as often as they like (M8).
  if p_refusal = 'verifier_mismatch' then
    if mcp_data.take_limit('pkce_failed', p_connection.connection_id, array[60], array[10]) > 0 then
      return;
    end if;
  end if;
  perform mcp_data.add_event(v_event, p_refusal, p_connection.account_id, p_connection.client_id, p_connection.server_id,
    p_connection.connection_id, null, p_request);
  if p_refusal = 'code_replayed' then
    perform mcp_data.revoke_connection(p_connection, p_refusal, p_request);
  end if;
end $$;
