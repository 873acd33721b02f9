-- Takes a rule about clients away. Connections that it has cut stay cut: the person connects again.
-- outcomes: deleted · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.delete_client_rule(p_server_id text, p_rule_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  r mcp_data.server_client_rules;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- The server's row first, as in create_client_rule.
  perform from mcp_data.servers s
  where s.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id for no key update;
  if found then
    delete from mcp_data.server_client_rules x where x.rule_id = p_rule_id and x.server_id = p_server_id returning * into r;
  end if;
  if r.rule_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  update mcp_data.servers set has_client_rules = exists (
    select from mcp_data.server_client_rules x where x.server_id = p_server_id) where server_id = p_server_id;
  perform mcp_data.add_event('client.rule_removed', r.effect, v_caller.account_id, r.client_id, p_server_id, null,
    jsonb_strip_nulls(jsonb_build_object('host', r.host)), p_request);
  return jsonb_build_object('outcome', 'deleted');
end $$;
grant execute on function mcp.delete_client_rule(text, text, jsonb, jsonb) to mcp_worker;
