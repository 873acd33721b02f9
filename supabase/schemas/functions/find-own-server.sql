-- The server with this id if the caller may manage it (J3: by id and owner together), else an empty row. Internal.
create or replace function mcp_data.find_own_server(p_server_id text, p_account_id uuid, p_own_server_id text) returns mcp_data.servers
language plpgsql stable set search_path = '' as $$
declare
  v_server mcp_data.servers;
begin
  select * into v_server from mcp_data.servers s
  where s.server_id = p_server_id and s.status <> 'deleted'
    and (s.owner_account_id = p_account_id or s.server_id = p_own_server_id);
  return v_server;
end $$;
