-- Stops a person's connections with a client that has changed, until the person agrees again by a new one (SECURITY §24, E17):
-- all of them, or a consent that is remembered for one would go on without asking. Internal.
create or replace function mcp_data.suspend_connections(p_connection mcp_data.connections, p_client jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  v_count integer;
begin
  -- A connection that another call holds right now is judged by that call: two that wait for each other would both fail.
  update mcp_data.connections c set suspended_at = now()
  where c.connection_id = any(array(select x.connection_id from mcp_data.connections x
    where x.account_id = p_connection.account_id and x.client_id = p_connection.client_id
      and x.suspended_at is null and x.revoked_at is null and mcp_data.client_has_changed(x, p_client)
    for update skip locked));
  get diagnostics v_count = row_count;
  if v_count > 0 then
    perform mcp_data.add_event('client.metadata_changed', 'client_changed', p_connection.account_id, p_connection.client_id,
      p_connection.server_id, p_connection.connection_id, jsonb_build_object('connections', v_count), p_request);
  end if;
end $$;
