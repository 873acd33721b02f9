-- Stops a connection whose client has changed, until the person agrees again by a new one (SECURITY §24, E17). Internal.
create or replace function mcp_data.suspend_connection(p_connection mcp_data.connections, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.connections c set suspended_at = now()
  where c.connection_id = p_connection.connection_id and c.suspended_at is null and c.revoked_at is null;
  if found then
    perform mcp_data.add_event('client.metadata_changed', 'client_changed', p_connection.account_id, p_connection.client_id,
      p_connection.server_id, p_connection.connection_id, null, p_request);
  end if;
end $$;
