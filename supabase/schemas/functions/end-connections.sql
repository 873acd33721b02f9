-- Ends every connection of an account within an extent of this one (`one`, `client`, `server`, `all`), each with its event, and
-- gives their number. Internal. Locked in one order, so that two calls wait for each other and never in a circle.
create or replace function mcp_data.end_connections(p_account_id uuid, p_connection mcp_data.connections, p_extent text, p_reason text,
  p_request jsonb) returns integer
language plpgsql set search_path = '' as $$
declare
  v_ids text[];
  x mcp_data.connections;
  v_count integer := 0;
begin
  v_ids := array(
    select c.connection_id from mcp_data.connections c
    where c.account_id = p_account_id and c.revoked_at is null and case p_extent
      when 'one' then c.connection_id = p_connection.connection_id
      when 'client' then c.client_id_digest = p_connection.client_id_digest
      when 'server' then c.resource = p_connection.resource
      else p_extent = 'all' end
    order by c.connection_id for update);
  for x in
    update mcp_data.connections c set revoked_at = now(), revoked_reason = p_reason, successor_ciphertext = null
    where c.connection_id = any(v_ids) and c.revoked_at is null returning c.*
  loop
    perform mcp_data.add_event('connection.revoked', p_reason, x.account_id, x.client_id, x.server_id, x.connection_id, null, p_request);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;
