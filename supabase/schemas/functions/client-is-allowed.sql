-- Whether a server's owner lets a client in (A36). Internal. The policy is `any`, `not_dynamic` (proven ones), `pre_registered` or
-- `listed`; a rule that blocks wins over everything, one that allows counts for `listed`, and then only for the host that vouches for
-- the client. No policy: no server, so anybody.
create or replace function mcp_data.client_is_allowed(p_server_id text, p_policy text, p_has_rules boolean, p_client_id text,
  p_client_kind text, p_redirect_uri text) returns boolean
language plpgsql stable set search_path = '' as $$
declare
  v_hosts text[];
  v_blocked boolean;
  v_allowed boolean;
begin
  if (p_policy = 'pre_registered' and p_client_kind <> 'pre_registered') or (p_policy = 'not_dynamic' and p_client_kind = 'dynamic') then
    return false;
  elsif not coalesce(p_has_rules, false) then
    return p_policy is distinct from 'listed';
  end if;
  v_hosts := mcp_data.client_hosts(p_client_id, p_client_kind, p_redirect_uri);
  select bool_or(r.effect = 'block'), bool_or(r.effect = 'allow' and (r.client_id is not null or r.host = v_hosts[1]))
  into v_blocked, v_allowed
  from mcp_data.server_client_rules r
  where r.server_id = p_server_id and r.subject_digest = any(
    mcp_data.rule_subject('client', p_client_id) || array(select mcp_data.rule_subject('host', h) from unnest(v_hosts) h));
  return not coalesce(v_blocked, false) and (p_policy <> 'listed' or coalesce(v_allowed, false));
end $$;
