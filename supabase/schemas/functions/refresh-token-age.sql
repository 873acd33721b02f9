-- Which refresh token of a connection this is: current, previous, older (proven by the first 8 bytes of its digest), or null for
-- one that never was (or is too old to be told from that). Internal. The secret decides, the generation only names it.
create or replace function mcp_data.refresh_token_age(p_connection mcp_data.connections, p_generation integer, p_digests bytea[]) returns text
language plpgsql immutable set search_path = '' as $$
begin
  if p_generation = p_connection.generation then
    return case when p_connection.refresh_digest = any(p_digests) then 'current' end;
  end if;
  if p_generation = p_connection.generation - 1 then
    return case when p_connection.previous_digest = any(p_digests) then 'previous' end;
  end if;
  -- Also keeps the subtraction below within integers.
  if p_generation between p_connection.generation - 33 and p_connection.generation - 2 and exists (
    select from unnest(p_digests) d
    where substring(p_connection.older_digests from 8 * (p_connection.generation - 2 - p_generation) + 1 for 8) = substring(d from 1 for 8)) then
    return 'older';
  end if;
  return null;
end $$;
