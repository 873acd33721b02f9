-- Which resource an authorization request is for (RFC 8707, HTTP-API "Authorization", K1-K5). Internal.
-- Gives kind and server, or a refusal with its reason. Longest registered prefix first; an origin alone stands for the one
-- server that lives on it. A server whose URL is not proven exists for its signed-in owner only (J8).
create or replace function mcp_data.choose_resource(p_candidates text[], p_is_origin boolean, p_issuer text, p_account_id uuid,
  out kind text, out server mcp_data.servers, out reason text)
language plpgsql stable set search_path = '' as $$
begin
  if coalesce(cardinality(p_candidates), 0) = 0 or p_candidates[1] = p_issuer then
    kind := 'identity';
    return;
  end if;
  if p_candidates[1] = p_issuer || '/api' then
    kind := 'management';
    return;
  end if;
  select s.* into server from mcp_data.servers s
  where s.server_url = any(p_candidates)
    and (s.status = 'verified' or (s.status = 'pending' and s.owner_account_id = p_account_id))
  order by length(s.server_url) desc, (s.status = 'verified') desc, s.created_at limit 1;
  if server.server_id is null and p_is_origin then
    select s.* into server from mcp_data.servers s
    where s.server_origin = p_candidates[1] and s.status = 'verified'
      and not exists (select from mcp_data.servers o
        where o.server_origin = s.server_origin and o.status = 'verified' and o.server_id <> s.server_id);
  end if;
  if server.server_id is not null then
    kind := 'server';
    return;
  end if;
  select case max(case s.status when 'pending' then 2 else 1 end) when 2 then 'resource_unverified' else 'resource_suspended' end
    into reason
  from mcp_data.servers s where s.server_url = any(p_candidates) and s.status in ('pending', 'suspended') having count(*) > 0;
  reason := coalesce(reason, 'resource_unknown');
end $$;
