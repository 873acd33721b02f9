-- The audit log of a span of time, oldest first, for operators to keep elsewhere (SECURITY §28). `p_after` is the `next` of the page
-- before.
-- outcomes: exported {events, next?}
create or replace function mcp.export_events(p_from timestamptz, p_to timestamptz, p_after text, p_limit integer) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_events jsonb;
  v_next text;
begin
  select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(x.e)) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.event_cursor(x.e)) filter (where x.place = p_limit and x.count > p_limit)
  into v_events, v_next
  from (
    select y.e, row_number() over (order by (y.e).occurred_at, (y.e).event_id) as place, count(*) over () as count
    from (select e from mcp_data.audit_events e
      where e.occurred_at >= p_from and e.occurred_at < p_to
        and (p_after is null or (e.occurred_at, e.event_id) > (mcp_data.cursor_moment(p_after), split_part(p_after, '.', 2)::uuid))
      order by e.occurred_at, e.event_id limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'exported', 'events', v_events, 'next', v_next));
end $$;
grant execute on function mcp.export_events(timestamptz, timestamptz, text, integer) to mcp_operator;
