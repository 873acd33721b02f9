-- A pre-registered client (HTTP-API "Client registration").
-- outcomes: found {client} · unknown · blocked
create or replace function mcp.get_client(p_client_id text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  c mcp_data.clients;
begin
  select * into c from mcp_data.clients where client_id = p_client_id;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  if c.blocked_at is not null or exists (
    select from mcp_data.blocked_clients b where b.client_id_digest = sha256(convert_to(p_client_id, 'UTF8'))) then
    return jsonb_build_object('outcome', 'blocked');
  end if;
  return jsonb_build_object('outcome', 'found', 'client', jsonb_strip_nulls(jsonb_build_object(
    'client_id', c.client_id, 'client_name', c.client_name, 'redirect_uris', c.redirect_uris,
    'token_endpoint_auth_method', c.token_endpoint_auth_method, 'grant_types', c.grant_types,
    'kind', 'pre_registered', 'client_uri', c.client_uri)));
end $$;
grant execute on function mcp.get_client(text) to mcp_worker;
