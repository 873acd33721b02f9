-- Whether the client of a metadata document proves itself less well than when the person agreed (SECURITY §24, E17): a weaker
-- method, or none of the keys of then. Ids of other kinds say nothing new: a sealed one never changes. Internal.
create or replace function mcp_data.client_has_changed(p_connection mcp_data.connections, p_client jsonb) returns boolean
language plpgsql immutable set search_path = '' as $$
declare
  v_methods text[] := array['none', 'client_secret_post', 'client_secret_basic', 'private_key_jwt'];
begin
  if p_connection.client_kind is distinct from 'metadata_document' or p_client->>'method' is null then
    return false;
  end if;
  return array_position(v_methods, p_client->>'method')
      < array_position(v_methods, p_connection.client->>'token_endpoint_auth_method')
    or (cardinality(p_connection.client_keys) > 0 and jsonb_typeof(p_client->'key_thumbprints') = 'array'
      and not p_connection.client_keys && mcp_data.text_array(p_client->'key_thumbprints'));
end $$;
