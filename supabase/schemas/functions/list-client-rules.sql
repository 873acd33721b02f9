-- The rules of a server about clients, newest first; there are at most 100.
-- outcomes: found {rules} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_client_rules(p_server_id text, p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'found', 'rules', (
    select coalesce(jsonb_agg(mcp_data.describe_client_rule(r) order by r.created_at desc, r.rule_id), '[]')
    from mcp_data.server_client_rules r where r.server_id = p_server_id));
end $$;
grant execute on function mcp.list_client_rules(text, jsonb) to mcp_worker;
