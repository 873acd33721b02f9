-- The names of a scope catalogue, in its order. Internal.
create or replace function mcp_data.scope_names(p_catalogue jsonb) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return array(select e.entry->>'name' from jsonb_array_elements(coalesce(p_catalogue, '[]')) with ordinality as e (entry, place) order by e.place);
end $$;
