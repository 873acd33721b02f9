-- What a connection is worth now (SECURITY §20, G10, J16): granted, still registered, and asked for if anything was. Internal.
-- Gives the granted order. A scope added to a server after consent was not granted, so it is not in it.
create or replace function mcp_data.effective_scopes(p_granted text[], p_resource_kind text, p_registered text[], p_asked text[]) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return array(
    select g.scope from unnest(p_granted) with ordinality as g (scope, place)
    where (g.scope = any(p_registered) or g.scope = any(mcp_data.identity_scopes())
        or (p_resource_kind = 'management' and g.scope in ('servers:read', 'servers:write', 'keys:write')))
      and (p_asked is null or g.scope = any(p_asked))
    order by g.place);
end $$;
