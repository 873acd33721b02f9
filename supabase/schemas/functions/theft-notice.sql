-- Whom to tell that a connection was ended because a copy of its credentials was used (SECURITY §19): address, language, and the host
-- of the server. Internal.
create or replace function mcp_data.theft_notice(p_connection mcp_data.connections) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return mcp_data.addressee(p_connection.account_id) || jsonb_strip_nulls(jsonb_build_object(
    'server_host', (select substring(s.server_origin from '//(.*)$') from mcp_data.servers s where s.server_id = p_connection.server_id)));
end $$;
