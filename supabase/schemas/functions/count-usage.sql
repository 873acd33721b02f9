-- Like count_usage_of, for a connection whose row is at hand: the client's name is kept too, at a refresh as well, because the days it
-- was kept for may be gone. Internal.
create or replace function mcp_data.count_usage(p_connection mcp_data.connections, p_connected integer, p_used integer,
  p_refreshed integer, p_active_minutes integer) returns void
language plpgsql set search_path = '' as $$
declare
  c alias for p_connection;
begin
  if c.server_id is not null then
    insert into mcp_data.usage_clients (server_id, client_id_digest, client_id, client_name, client_kind)
    values (c.server_id, c.client_id_digest, c.client_id, c.client->>'client_name', c.client_kind)
    on conflict (server_id, client_id_digest) do nothing;
  end if;
  perform mcp_data.count_usage_of(c.server_id, c.client_id_digest, c.connection_id, p_connected, p_used, p_refreshed, p_active_minutes);
end $$;
