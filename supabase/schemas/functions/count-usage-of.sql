-- Adds to the counts of a day and client (HTTP-API "usage"). Internal. Called where a connection's row is written anyway: at its first
-- code, at a refresh, and once a minute of use.
create or replace function mcp_data.count_usage_of(p_server_id text, p_client_id_digest bytea, p_connection_id text, p_connected integer,
  p_used integer, p_refreshed integer, p_active_minutes integer) returns void
language plpgsql set search_path = '' as $$
begin
  if p_server_id is null then
    return;
  end if;
  insert into mcp_data.usage_days as u (server_id, day, client_id_digest, shard, connected, used, refreshed, active_minutes)
  values (p_server_id, (now() at time zone 'UTC')::date, p_client_id_digest, hashtext(p_connection_id) & 7,
    p_connected, p_used, p_refreshed, p_active_minutes)
  on conflict (server_id, day, client_id_digest, shard) do update set connected = u.connected + excluded.connected,
    used = u.used + excluded.used, refreshed = u.refreshed + excluded.refreshed,
    active_minutes = u.active_minutes + excluded.active_minutes;
end $$;
