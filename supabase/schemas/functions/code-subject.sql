-- Under which name codes of an address are counted (C18): a device that the person has used before has a count of its own, so
-- that strangers who use up the address's cannot lock the person out. Internal.
create or replace function mcp_data.code_subject(p_email text, p_device_id text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return coalesce(p_device_id || ' ', '') || p_email;
end $$;
