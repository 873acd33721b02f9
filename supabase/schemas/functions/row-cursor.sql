-- Where a page of rows ends: the moment of its last row in microseconds, and its id. Internal.
create or replace function mcp_data.row_cursor(p_moment timestamptz, p_id text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return floor(extract(epoch from p_moment) * 1000000)::bigint || '.' || p_id;
end $$;
