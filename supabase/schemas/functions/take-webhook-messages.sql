-- Claims messages that are due, a bounded number, each for five minutes: whoever claims one and dies loses nothing. Owners take turns,
-- so that a backlog of one keeps nobody else's waiting (M8); of each webhook no more is looked at than could be claimed.
-- outcomes: taken {messages}
create or replace function mcp.take_webhook_messages(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_messages jsonb;
begin
  with claimed as (
    update mcp_data.webhook_messages m set next_attempt_at = now() + interval '5 minutes', attempts = m.attempts + 1
    where m.message_id = any(array(
      select x.message_id from mcp_data.webhook_messages x
      where x.next_attempt_at <= now() and x.message_id = any(array(
        select d.message_id from (
          select q.message_id, q.next_attempt_at, row_number() over (
            partition by coalesce(s.owner_account_id::text, s.server_id) order by q.next_attempt_at) as turn
          from mcp_data.webhooks h join mcp_data.servers s on s.server_id = h.server_id
          cross join lateral (select y.message_id, y.next_attempt_at from mcp_data.webhook_messages y
            where y.webhook_id = h.webhook_id and y.next_attempt_at <= now() order by y.next_attempt_at limit p_limit) q) d
        order by d.turn, d.next_attempt_at limit p_limit))
      for update skip locked))
    returning m.message_id, m.webhook_id, m.payload)
  select coalesce(jsonb_agg(jsonb_build_object('message_id', c.message_id, 'webhook_id', c.webhook_id, 'url', w.url, 'kid', w.kid,
    'payload', c.payload)), '[]') into v_messages
  from claimed c join mcp_data.webhooks w on w.webhook_id = c.webhook_id;
  return jsonb_build_object('outcome', 'taken', 'messages', v_messages);
end $$;
grant execute on function mcp.take_webhook_messages(integer) to mcp_worker;
