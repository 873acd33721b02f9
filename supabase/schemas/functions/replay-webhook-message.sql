-- Sends a message again: the same id, so that the receiver can tell; its tries begin anew.
-- outcomes: replayed · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.replay_webhook_message(p_server_id text, p_webhook_id text, p_message_id text, p_caller jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  update mcp_data.webhook_messages m set next_attempt_at = now(), attempts = 0, delivered_at = null
  from mcp_data.webhooks w
  where m.message_id = p_message_id and m.webhook_id = p_webhook_id and w.webhook_id = m.webhook_id
    and w.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id;
  return jsonb_build_object('outcome', case when found then 'replayed' else 'not_found' end);
end $$;
grant execute on function mcp.replay_webhook_message(text, text, text, jsonb) to mcp_worker;
