-- The scopes that belong to no server's catalogue (HTTP-API "Authorization"). Internal.
create or replace function mcp_data.identity_scopes() returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return array['openid', 'profile', 'email', 'offline_access'];
end $$;
