-- Who calls the management API and whether that credential may do this (HTTP-API "Server management"; J1-J4, J19, J22). Internal.
-- A management token speaks for its one server; an owner's access token, personal token or session for all servers of the account,
-- by scope. The refusal is a whole answer: caller_unknown, scope_missing {scope}; sign_in or not_fresh for a session.
create or replace function mcp_data.resolve_caller(p_caller jsonb, p_scope text, out account_id uuid, out server_id text, out refusal jsonb)
language plpgsql set search_path = '' as $$
declare
  v_person record;
  v_scopes text[];
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
    return;
  elsif p_caller->>'kind' = 'session' then
    -- Only our own pages make this kind: /api reads no cookie (J20).
    v_person := mcp_data.person_of((select array_agg(d::bytea) from unnest(mcp_data.text_array(p_caller->'digests')) d),
      (p_caller->>'idle_seconds')::integer, (p_caller->>'fresh_seconds')::integer);
    account_id := v_person.account_id;
    refusal := v_person.refusal;
    return;
  elsif p_caller->>'kind' = 'connection' then
    select c.account_id, c.scopes into account_id, v_scopes from mcp_data.connection_caller(p_caller) c;
  elsif p_caller->>'kind' = 'personal' then
    select t.account_id, t.scopes into account_id, v_scopes from mcp_data.personal_caller(p_caller) t;
  end if;
  if account_id is not null then
    refusal := case when not coalesce(p_scope = any(v_scopes), false)
      then jsonb_build_object('outcome', 'scope_missing', 'scope', p_scope) end;
  end if;
end $$;
