-- What came of a try: delivered, or again after a pause that grows (1, 5, 30 minutes, 2, 5, 10, 14 hours), or given up after eight.
-- outcomes: delivered · waiting · given_up · not_found
create or replace function mcp.record_webhook_message(p_message_id text, p_is_delivered boolean, p_seen text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_pauses interval[] := array['1 minute', '5 minutes', '30 minutes', '2 hours', '5 hours', '10 hours', '14 hours'];
  m mcp_data.webhook_messages;
begin
  update mcp_data.webhook_messages x set last_attempt_at = now(), last_seen = left(p_seen, 500),
    delivered_at = case when p_is_delivered then now() end,
    next_attempt_at = case when not p_is_delivered then now() + v_pauses[x.attempts] end
  where x.message_id = p_message_id returning * into m;
  return jsonb_build_object('outcome', case when not found then 'not_found' when p_is_delivered then 'delivered'
    when m.next_attempt_at is null then 'given_up' else 'waiting' end);
end $$;
grant execute on function mcp.record_webhook_message(text, boolean, text) to mcp_worker;
