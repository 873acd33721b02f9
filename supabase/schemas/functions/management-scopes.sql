-- The catalogue of our own API, the resource ISSUER/api (HTTP-API "Server management"). Internal.
create or replace function mcp_data.management_scopes() returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return '[{"name": "servers:read", "description": "See your registered servers", "required": false, "default": true},
           {"name": "servers:write", "description": "Register, change and delete your servers", "required": false, "default": true},
           {"name": "keys:write", "description": "Make and revoke API keys of your servers", "required": false, "default": true}]';
end $$;
