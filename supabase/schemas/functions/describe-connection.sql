-- What the Worker needs to sign the tokens of a connection. Internal.
create or replace function mcp_data.describe_connection(p_connection mcp_data.connections, p_email text, p_name text, p_scopes text[],
  p_token_lifetime_seconds integer, p_issuer_epoch integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object(
    'connection_id', p_connection.connection_id,
    'account_id', p_connection.account_id,
    'email', case when 'email' = any(p_scopes) then p_email end,
    'email_verified', case when 'email' = any(p_scopes) then true end,
    'name', case when 'profile' = any(p_scopes) then p_name end,
    'client_id', p_connection.client_id,
    'resource', p_connection.resource,
    'server_id', p_connection.server_id,
    'scopes', to_jsonb(p_scopes),
    'nonce', p_connection.nonce,
    'auth_time_seconds', floor(extract(epoch from p_connection.auth_time))::bigint,
    'auth_method', p_connection.auth_method,
    'issued_at_seconds', floor(extract(epoch from now()))::bigint,
    'generation', p_connection.generation,
    'can_refresh', p_connection.can_refresh,
    'refresh_expires_at_seconds', floor(extract(epoch from
      least(p_connection.refresh_idle_expires_at, p_connection.refresh_expires_at)))::bigint,
    'epoch', p_issuer_epoch
  )) || jsonb_build_object('access_token_seconds', p_token_lifetime_seconds);
end $$;
