-- A JSON array of strings as text[]; anything else is the empty array. Internal.
create or replace function mcp_data.text_array(p_json jsonb) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  if jsonb_typeof(p_json) is distinct from 'array' then
    return '{}';
  end if;
  return array(select e.value from jsonb_array_elements_text(p_json) with ordinality as e (value, place) order by e.place);
end $$;
