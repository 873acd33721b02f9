-- Keeps the last refusal of a connection's tokens, at most one a minute, for the owner's diagnosis. Internal. Grows with nothing.
create or replace function mcp_data.note_refusal(p_connection mcp_data.connections, p_step text, p_reason text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.connections c set refused_at = now(), refused_step = p_step, refused_reason = p_reason,
    refused_request_id = left(p_request->>'request_id', 100)
  where c.connection_id = p_connection.connection_id and (c.refused_at is null or c.refused_at < now() - interval '1 minute');
end $$;
