-- The server that an operator names by its id, or by its URL where one registration alone has it, locked; else an empty row. Internal.
create or replace function mcp_data.find_server(p_server text) returns mcp_data.servers
language plpgsql set search_path = '' as $$
declare
  v_ids text[] := array(select x.server_id from mcp_data.servers x where x.status <> 'deleted' and p_server in (x.server_id, x.server_url));
  s mcp_data.servers;
begin
  if cardinality(v_ids) = 1 then
    select * into s from mcp_data.servers x where x.server_id = v_ids[1] and x.status <> 'deleted' for update;
  end if;
  return s;
end $$;
