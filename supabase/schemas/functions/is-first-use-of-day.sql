-- Whether a use now is the first of its day (UTC) after that moment. Internal.
create or replace function mcp_data.is_first_use_of_day(p_last_used_at timestamptz) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce((p_last_used_at at time zone 'UTC')::date < (now() at time zone 'UTC')::date, true);
end $$;
