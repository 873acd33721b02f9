-- What happened to a person's account, newest first (SECURITY §28). `p_before` is the `next` of the page before.
-- outcomes: found {email, events, next?} · sign_in
create or replace function mcp.list_own_events(p_session_digests bytea[], p_session_idle_seconds integer, p_before text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_events jsonb;
  v_next text;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_own_event(x.e) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.event_cursor(x.e)) filter (where x.place = p_limit and x.count > p_limit)
  into v_events, v_next
  from (
    select y.e, row_number() over (order by (y.e).occurred_at desc, (y.e).event_id desc) as place, count(*) over () as count
    from (select e from mcp_data.audit_events e
      where e.account_id = v_person.account_id
        and (p_before is null or (e.occurred_at, e.event_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)::uuid))
      order by e.occurred_at desc, e.event_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'email', v_person.email, 'events', v_events, 'next', v_next));
end $$;
grant execute on function mcp.list_own_events(bytea[], integer, text, integer) to mcp_worker;
