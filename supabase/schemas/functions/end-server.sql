-- Deletes a server (J25): its keys, management tokens and connections die at once, its row stays as a tombstone. Internal. False:
-- there is none, or it is deleted already.
create or replace function mcp_data.end_server(p_server_id text, p_account_id uuid, p_request jsonb) returns boolean
language plpgsql set search_path = '' as $$
begin
  update mcp_data.servers s set status = 'deleted', deleted_at = now(), offered_to_user_id = null, offered_to_email = null
  where s.server_id = p_server_id and s.status <> 'deleted';
  if not found then
    return false;
  end if;
  update mcp_data.management_tokens set revoked_at = now() where server_id = p_server_id and revoked_at is null;
  update mcp_data.server_keys set revoked_at = now() where server_id = p_server_id and revoked_at is null;
  update mcp_data.connections set revoked_at = now(), revoked_reason = 'server_deleted', successor_ciphertext = null
  where server_id = p_server_id and revoked_at is null;
  -- One event says it for all connections: their number is not bounded.
  perform mcp_data.add_event('server.suspended', 'server_deleted', p_account_id, null, p_server_id, null, null, p_request);
  return true;
end $$;
