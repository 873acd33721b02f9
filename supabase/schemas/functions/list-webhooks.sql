-- The webhooks of a server, and their last messages: at most 20 each, newest first.
-- outcomes: found {webhooks} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_webhooks(p_server_id text, p_caller jsonb) returns jsonb
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
  return jsonb_build_object('outcome', 'found', 'webhooks', (
    select coalesce(jsonb_agg(mcp_data.describe_webhook(w) || jsonb_build_object('messages', (
      select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('message_id', m.message_id, 'type', m.payload->>'type',
          'created_at_seconds', floor(extract(epoch from m.created_at))::bigint, 'attempts', m.attempts,
          'state', case when m.delivered_at is not null then 'delivered' when m.next_attempt_at is not null then 'waiting' else 'given_up' end,
          'next_attempt_at_seconds', floor(extract(epoch from m.next_attempt_at))::bigint, 'seen', m.last_seen))
        order by m.created_at desc, m.message_id), '[]')
      from (select * from mcp_data.webhook_messages x where x.webhook_id = w.webhook_id order by x.created_at desc limit 20) m))
      order by w.created_at desc, w.webhook_id), '[]')
    from mcp_data.webhooks w where w.server_id = p_server_id));
end $$;
grant execute on function mcp.list_webhooks(text, jsonb) to mcp_worker;
