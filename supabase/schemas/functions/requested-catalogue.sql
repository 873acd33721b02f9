-- The entries of a catalogue that were asked for, in the catalogue's order; required are those that were when it was asked, where that is
-- known. Internal.
create or replace function mcp_data.requested_catalogue(p_catalogue jsonb, p_scopes text[], p_required text[] default null) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('name', e.entry->>'name', 'description', coalesce(e.entry->>'description', ''),
      'required', coalesce(e.entry->>'name' = any(p_required), (e.entry->>'required')::boolean, false), 'default', coalesce((e.entry->>'default')::boolean, true))
      order by e.place), '[]')
    from jsonb_array_elements(p_catalogue) with ordinality as e (entry, place)
    where e.entry->>'name' = any(p_scopes));
end $$;
