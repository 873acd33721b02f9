-- One connection of a person, with what its scopes mean and how many others the same client and the same server have (B31).
-- outcomes: found {email, connection, catalogue, of_client, of_server, of_all} · not_found · sign_in
create or replace function mcp.read_own_connection(p_session_digests bytea[], p_session_idle_seconds integer, p_connection_id text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  c mcp_data.connections;
  v_catalogue jsonb;
  v_of_client integer;
  v_of_server integer;
  v_of_all integer;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select * into c from mcp_data.live_connections(v_person.account_id) l where l.connection_id = p_connection_id;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  v_catalogue := case c.resource_kind when 'management' then mcp_data.management_scopes()
    else (select s.scopes from mcp_data.servers s where s.server_id = c.server_id) end;
  select count(*) filter (where l.client_id_digest = c.client_id_digest), count(*) filter (where l.resource = c.resource), count(*)
  into v_of_client, v_of_server, v_of_all from mcp_data.live_connections(v_person.account_id) l;
  return jsonb_build_object('outcome', 'found', 'email', v_person.email, 'connection', mcp_data.describe_own_connection(c),
    'catalogue', mcp_data.requested_catalogue(coalesce(v_catalogue, '[]'), c.scopes),
    'of_client', v_of_client, 'of_server', v_of_server, 'of_all', v_of_all);
end $$;
grant execute on function mcp.read_own_connection(bytea[], integer, text) to mcp_worker;
