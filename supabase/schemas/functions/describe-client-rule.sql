-- A rule about clients as the owner sees it. Internal.
create or replace function mcp_data.describe_client_rule(r mcp_data.server_client_rules) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('rule_id', r.rule_id, 'effect', r.effect, 'client_id', r.client_id, 'host', r.host,
    'created_at_seconds', floor(extract(epoch from r.created_at))::bigint));
end $$;
