-- Whether the `resource` of a token request names the connection's own resource (RFC 8707 §2.2, F27, G9). Internal.
-- Candidates are the canonical spelling first, then its prefixes at segment boundaries. A prefix counts only where the same
-- value at /authorize would have led here: not when a longer registered URL lies between.
create or replace function mcp_data.resource_fits(p_connection mcp_data.connections, p_candidates text[]) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if coalesce(cardinality(p_candidates), 0) = 0
    or p_candidates[1] in (p_connection.resource, p_connection.requested_resource) then
    return true;
  end if;
  return p_connection.resource_kind = 'server' and p_connection.resource = any(p_candidates) and not exists (
    select from mcp_data.servers s
    where s.server_url = any(p_candidates) and s.status = 'verified'
      and length(s.server_url) > length(p_connection.resource));
end $$;
