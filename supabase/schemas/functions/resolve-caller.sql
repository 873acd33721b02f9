-- Who calls the management API and whether that credential may do this (HTTP-API "Server management"; J1-J4). Internal.
-- A management token speaks for its one server; an owner's access token for all servers of the account, by scope. The refusal
-- is a whole answer: caller_unknown, or scope_missing {scope}.
create or replace function mcp_data.resolve_caller(p_caller jsonb, p_scope text, out account_id uuid, out server_id text, out refusal jsonb)
language plpgsql stable set search_path = '' as $$
declare
  s record;
  c mcp_data.connections;
begin
  refusal := jsonb_build_object('outcome', 'caller_unknown');
  if p_caller->>'kind' = 'management' then
    select m.server_id into server_id from mcp_data.management_tokens m
    join mcp_data.servers v on v.server_id = m.server_id
    where m.public_part = p_caller->>'public_part' and m.revoked_at is null and v.status <> 'deleted'
      and m.token_digest in (select d::bytea from unnest(mcp_data.text_array(p_caller->'digests')) d);
    if found then
      refusal := null;
    end if;
  elsif p_caller->>'kind' = 'connection' then
    select * into s from mcp_data.connection_state(p_caller->>'connection_id');
    c := s.connection;
    if c.connection_id is null or s.refusal is not null or c.resource_kind <> 'management' or c.code_redeemed_at is null
      or c.refresh_expires_at <= now() or (p_caller->>'epoch')::integer is distinct from s.issuer_epoch then
      return;
    end if;
    account_id := c.account_id;
    refusal := case when not p_scope = any(
      mcp_data.effective_scopes(c.scopes, c.resource_kind, '{}', mcp_data.text_array(p_caller->'scopes')))
      then jsonb_build_object('outcome', 'scope_missing', 'scope', p_scope) end;
  end if;
end $$;
