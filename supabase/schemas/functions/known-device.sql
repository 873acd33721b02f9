-- The id of a device on which this person has signed in before, or null (C7, C18). Internal. The Worker has checked the
-- signature; what was signed before the person signed out everywhere is worth nothing.
create or replace function mcp_data.known_device(p_email text, p_device jsonb) returns text
language plpgsql stable set search_path = '' as $$
begin
  return (
    select p_device->>'device_id' from mcp_data.accounts a
    where a.email = p_email and p_device->>'device_id' is not null
      and to_timestamp((p_device->>'signed_at_seconds')::bigint) >= coalesce(a.devices_forgotten_at, '-infinity'));
end $$;
