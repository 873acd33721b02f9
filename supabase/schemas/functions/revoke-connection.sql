-- Ends a connection, its code, its refresh tokens and so every access token (I3). Internal. The first reason stays.
create or replace function mcp_data.revoke_connection(p_connection mcp_data.connections, p_reason text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.connections c
  set revoked_at = now(), revoked_reason = p_reason, successor_ciphertext = null
  where c.connection_id = p_connection.connection_id and c.revoked_at is null;
  if found then
    perform mcp_data.add_event('connection.revoked', p_reason, p_connection.account_id, p_connection.client_id,
      p_connection.server_id, p_connection.connection_id, null, p_request);
  end if;
end $$;
