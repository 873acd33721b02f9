-- What happened to a server, newest first (SECURITY §28). `p_filter` may name event, client_id, connection_id, transaction_id or
-- reference; `p_before` is the `next` of the page before.
-- outcomes: found {events, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_server_events(p_server_id text, p_caller jsonb, p_filter jsonb, p_before text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_events jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_server_event(x.e) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.event_cursor(x.e)) filter (where x.place = p_limit and x.count > p_limit)
  into v_events, v_next
  from (
    select y.e, row_number() over (order by (y.e).occurred_at desc, (y.e).event_id desc) as place, count(*) over () as count
    from (select e from mcp_data.audit_events e
      where e.server_id = p_server_id
        and (p_filter->>'event' is null or e.event = p_filter->>'event')
        and (p_filter->>'client_id' is null or e.client_id = p_filter->>'client_id')
        and (p_filter->>'connection_id' is null or e.connection_id = p_filter->>'connection_id')
        and (p_filter->>'transaction_id' is null or e.transaction_id = p_filter->>'transaction_id')
        and (p_filter->>'reference' is null or e.request_id = p_filter->>'reference')
        and (p_before is null or (e.occurred_at, e.event_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)::uuid))
      order by e.occurred_at desc, e.event_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'events', v_events, 'next', v_next));
end $$;
grant execute on function mcp.list_server_events(text, jsonb, jsonb, text, integer) to mcp_worker;
