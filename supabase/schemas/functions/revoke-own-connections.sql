-- Ends connections of a person, effective at the next introspection (B31): `one`, all of the same `client`, all at the same
-- `server`, or `all` (then no connection is named). Codes that are not redeemed yet end too, so that nothing comes back.
-- outcomes: revoked {count} · not_found · sign_in
create or replace function mcp.revoke_own_connections(p_session_digests bytea[], p_session_idle_seconds integer, p_connection_id text,
  p_extent text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  c mcp_data.connections;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  if p_extent <> 'all' then
    select * into c from mcp_data.connections x where x.connection_id = p_connection_id and x.account_id = v_person.account_id;
    if not found then
      return jsonb_build_object('outcome', 'not_found');
    end if;
  end if;
  return jsonb_build_object('outcome', 'revoked', 'count', mcp_data.end_connections(v_person.account_id, c, p_extent, 'person', p_request));
end $$;
grant execute on function mcp.revoke_own_connections(bytea[], integer, text, text, jsonb) to mcp_worker;
