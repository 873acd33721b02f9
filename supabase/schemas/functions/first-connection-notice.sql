-- Whom to tell that a program was connected for the first time by this person, and to which host; null when the same client has
-- been connected before. Internal.
create or replace function mcp_data.first_connection_notice(p_transaction mcp_data.transactions, p_email text, p_connection_id text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  if exists (select from mcp_data.connections c
    where c.account_id = p_transaction.account_id and c.connection_id <> p_connection_id
      and c.client_id_digest = sha256(convert_to(p_transaction.client_id, 'UTF8'))) then
    return null;
  end if;
  return jsonb_strip_nulls(jsonb_build_object('email', p_email, 'kind', p_transaction.resource_kind,
    'server_host', (select substring(s.server_origin from '//(.*)$') from mcp_data.servers s where s.server_id = p_transaction.server_id)));
end $$;
