-- Suspends a server: its keys and connections end at once (J10). Its management tokens stay, so that its owner can prove the URL
-- again. One event says it for all connections: their number is not bounded. Internal.
create or replace function mcp_data.suspend_server(p_server mcp_data.servers, p_reason text, p_detail jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.servers v set status = 'suspended', suspended_at = now(), suspended_reason = p_reason
  where v.server_id = p_server.server_id;
  update mcp_data.server_keys set revoked_at = now() where server_id = p_server.server_id and revoked_at is null;
  update mcp_data.connections set revoked_at = now(), revoked_reason = 'server_suspended', successor_ciphertext = null
  where server_id = p_server.server_id and revoked_at is null;
  perform mcp_data.add_event('server.suspended', p_reason, p_server.owner_account_id, null, p_server.server_id, null, p_detail, p_request);
end $$;
