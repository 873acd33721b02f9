-- The scopes an authorization request is about (RFC 6749 §3.3, HTTP-API "Authorization"). Internal.
-- None asked: the catalogue's defaults. Unknown ones are dropped; if nothing is left, server_scopes is null. Required ones
-- are always among them.
create or replace function mcp_data.choose_scopes(p_asked text[], p_resource_kind text, p_catalogue jsonb,
  out server_scopes text[], out identity_scopes text[])
language plpgsql immutable set search_path = '' as $$
declare
  v_catalogue jsonb := case p_resource_kind when 'server' then p_catalogue when 'management' then mcp_data.management_scopes() else '[]' end;
  v_nothing_asked boolean := coalesce(cardinality(p_asked), 0) = 0;
begin
  identity_scopes := array(select i from unnest(mcp_data.identity_scopes()) i where i = any(p_asked));
  if p_resource_kind = 'identity' and cardinality(identity_scopes) = 0 then
    return;
  end if;
  if not v_nothing_asked and cardinality(identity_scopes) = 0 and not exists (
    select from jsonb_array_elements(v_catalogue) e where e->>'name' = any(p_asked)) then
    return;
  end if;
  server_scopes := array(
    select e.entry->>'name' from jsonb_array_elements(v_catalogue) with ordinality as e (entry, place)
    where e.entry->>'name' = any(p_asked) or coalesce((e.entry->>'required')::boolean, false)
      or (v_nothing_asked and coalesce((e.entry->>'default')::boolean, true))
    order by e.place);
end $$;
