-- Whether a client proves itself less well than when the person agreed (SECURITY §24, E17): by a weaker method, or by none of the
-- keys that were known then. Keys may have been rotated while one connection slept: then another one of the same person has seen
-- it, or the person has agreed again. A pre-registered client is the operator's to change. Internal.
create or replace function mcp_data.client_has_changed(p_connection mcp_data.connections, p_client jsonb) returns boolean
language plpgsql stable set search_path = '' as $$
declare
  v_methods text[] := array['none', 'client_secret_post', 'client_secret_basic', 'private_key_jwt'];
  v_keys text[];
begin
  if p_connection.client_kind = 'pre_registered' or p_client->>'method' is null then
    return false;
  end if;
  if array_position(v_methods, p_client->>'method')
    < array_position(v_methods, p_connection.client->>'token_endpoint_auth_method') then
    return true;
  end if;
  if cardinality(p_connection.client_keys) = 0 or jsonb_typeof(p_client->'key_thumbprints') is distinct from 'array' then
    return false;
  end if;
  v_keys := mcp_data.text_array(p_client->'key_thumbprints');
  return not p_connection.client_keys && v_keys and not exists (
    select from mcp_data.connections o
    where o.account_id = p_connection.account_id and o.client_id = p_connection.client_id
      and o.suspended_at is null and o.revoked_at is null and o.client_keys && v_keys);
end $$;
