-- Counts a refused call that presented a real token (G15), and writes the event of one from a foreign client (G7). Internal.
create or replace function mcp_data.count_refresh(p_connection mcp_data.connections, p_age text, p_refusal text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  if p_age is null then
    return;
  end if;
  perform mcp_data.note_refusal(p_connection, 'refresh', p_refusal, p_request);
  update mcp_data.connections set
    refreshes_in_window = case when refresh_window_at > now() - interval '1 minute' then refreshes_in_window + 1 else 1 end,
    refresh_window_at = case when refresh_window_at > now() - interval '1 minute' then refresh_window_at else now() end
  where connection_id = p_connection.connection_id;
  if p_refusal = 'client_mismatch' then
    perform mcp_data.add_event('refresh.reused', p_refusal, p_connection.account_id, p_connection.client_id, p_connection.server_id,
      p_connection.connection_id, null, p_request);
  end if;
end $$;
