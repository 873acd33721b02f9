-- The moment of a cursor. Internal. Whole seconds and microseconds apart: together they are more than a double holds exactly.
create or replace function mcp_data.cursor_moment(p_cursor text) returns timestamptz
language plpgsql immutable set search_path = '' as $$
declare
  v_microseconds bigint := split_part(p_cursor, '.', 1)::bigint;
begin
  return to_timestamp(v_microseconds / 1000000) + (v_microseconds % 1000000) * interval '1 microsecond';
end $$;
