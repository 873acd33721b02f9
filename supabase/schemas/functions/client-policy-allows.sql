-- A server's policy about clients (A36): `any`, `not_dynamic` or `pre_registered`. Internal. No policy allows all.
create or replace function mcp_data.client_policy_allows(p_policy text, p_client_kind text) returns boolean
language plpgsql immutable set search_path = '' as $$
begin
  return coalesce(case p_policy
    when 'pre_registered' then p_client_kind = 'pre_registered'
    when 'not_dynamic' then p_client_kind <> 'dynamic' end, true);
end $$;
