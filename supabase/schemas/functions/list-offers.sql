-- The servers that wait for this person to accept or decline them (J2), newest first. `p_before` is the `next` of the page before.
-- outcomes: found {offers, next?} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_offers(p_caller jsonb, p_before text default null, p_limit integer default 100) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_offers jsonb;
  v_next text;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:read');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_offer(x.s) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.s).created_at, (x.s).server_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_offers, v_next
  from (
    select y.s, row_number() over (order by (y.s).created_at desc, (y.s).server_id desc) as place, count(*) over () as count
    from (select s from mcp_data.servers s
      where (s.offered_to_user_id = v_owner.account_id::text or s.offered_to_email = v_owner.email)
        and mcp_data.offered_to(s, v_owner.account_id, v_owner.email)
        and (p_before is null or (s.created_at, s.server_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by s.created_at desc, s.server_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'offers', v_offers, 'next', v_next));
end $$;
grant execute on function mcp.list_offers(jsonb, text, integer) to mcp_worker;
