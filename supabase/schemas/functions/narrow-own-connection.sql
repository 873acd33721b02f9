-- Takes scopes away from a connection at once (B31, B32): the next introspection answers without them, and no refresh brings them
-- back. What the server requires stays, and so does identity; with no scope of the server left the connection ends.
-- outcomes: narrowed {scopes} · revoked · scope_not_granted · not_found · sign_in
create or replace function mcp.narrow_own_connection(p_session_digests bytea[], p_session_idle_seconds integer, p_connection_id text,
  p_scopes text[], p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  c mcp_data.connections;
  v_catalogue jsonb;
  v_kept text[];
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select * into c from mcp_data.connections x
  where x.connection_id = p_connection_id and x.account_id = v_person.account_id and x.revoked_at is null for update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if not coalesce(p_scopes, '{}') <@ c.scopes then
    return jsonb_build_object('outcome', 'scope_not_granted');
  end if;
  v_catalogue := case c.resource_kind when 'management' then mcp_data.management_scopes()
    else (select s.scopes from mcp_data.servers s where s.server_id = c.server_id) end;
  v_kept := array(
    select g.scope from unnest(c.scopes) with ordinality as g (scope, place)
    where g.scope = any(p_scopes) or g.scope = any(mcp_data.identity_scopes()) or exists (
      select from jsonb_array_elements(v_catalogue) e where e->>'name' = g.scope and coalesce((e->>'required')::boolean, false))
    order by g.place);
  if c.resource_kind <> 'identity' and not c.scopes <@ mcp_data.identity_scopes() and v_kept <@ mcp_data.identity_scopes() then
    perform mcp_data.revoke_connection(c, 'person', p_request);
    return jsonb_build_object('outcome', 'revoked');
  end if;
  if v_kept <> c.scopes then
    update mcp_data.connections set scopes = v_kept where connection_id = p_connection_id;
    perform mcp_data.add_event('consent.narrowed', 'person', c.account_id, c.client_id, c.server_id, p_connection_id,
      jsonb_build_object('before', c.scopes, 'scopes', v_kept), p_request);
  end if;
  return jsonb_build_object('outcome', 'narrowed', 'scopes', to_jsonb(v_kept));
end $$;
grant execute on function mcp.narrow_own_connection(bytea[], integer, text, text[], jsonb) to mcp_worker;
