-- Takes a webhook away, with what was on its way to it (J4: webhook, server and owner are matched together).
-- outcomes: deleted · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.delete_webhook(p_server_id text, p_webhook_id text, p_caller jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  delete from mcp_data.webhooks w where w.webhook_id = p_webhook_id
    and w.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('webhook.deleted', null, v_caller.account_id, null, p_server_id, null,
    jsonb_build_object('webhook_id', p_webhook_id), p_request);
  return jsonb_build_object('outcome', 'deleted');
end $$;
grant execute on function mcp.delete_webhook(text, text, jsonb, jsonb) to mcp_worker;
