-- The account behind an owner's access token for our own API, with what the token is worth (HTTP-API "Server management").
-- Internal. No row: the token is worth nothing.
create or replace function mcp_data.connection_caller(p_caller jsonb) returns table (account_id uuid, scopes text[], auth_time timestamptz)
language plpgsql stable rows 1 set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
begin
  select * into s from mcp_data.connection_state(p_caller->>'connection_id');
  c := s.connection;
  if c.connection_id is null or s.refusal is not null or c.resource_kind <> 'management' or c.code_redeemed_at is null
    or c.refresh_expires_at <= now() or (p_caller->>'epoch')::integer is distinct from s.issuer_epoch then
    return;
  end if;
  return query select c.account_id,
    mcp_data.effective_scopes(c.scopes, c.resource_kind, '{}', mcp_data.text_array(p_caller->'scopes')), c.auth_time;
end $$;
