-- Revocation (RFC 7009 §2.1; I1-I3): either kind of token ends its whole connection. Digests null: an access token whose signature
-- the Worker has checked. A foreign client's, an unknown or a dead one: nothing happens, and nobody is told.
-- outcomes: assertion_replayed · revoked · nothing
create or replace function mcp.revoke_token(p_client_id text, p_connection_id text, p_refresh_digests bytea[], p_generation integer,
  p_client jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  c mcp_data.connections;
begin
  if not mcp_data.take_assertion(p_client) then
    return jsonb_build_object('outcome', 'assertion_replayed');
  end if;
  select * into c from mcp_data.connections where connection_id = p_connection_id for update;
  if not found or c.client_id is distinct from p_client_id or c.revoked_at is not null
    or (p_refresh_digests is not null and mcp_data.refresh_token_age(c, p_generation, p_refresh_digests) is null) then
    return jsonb_build_object('outcome', 'nothing');
  end if;
  perform mcp_data.revoke_connection(c, 'token_revoked', p_request);
  return jsonb_build_object('outcome', 'revoked');
end $$;
grant execute on function mcp.revoke_token(text, text, bytea[], integer, jsonb, jsonb) to mcp_worker;
