-- The caller's personal tokens, newest first, without secrets (J5, J19). `p_before` is the `next` of the page before; `viewer_email`
-- is for our own pages.
-- outcomes: found {tokens, next?, viewer_email?} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_personal_tokens(p_caller jsonb, p_before text default null, p_limit integer default 100) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_tokens jsonb;
  v_next text;
begin
  v_owner := mcp_data.resolve_owner(p_caller, 'servers:read');
  if v_owner.refusal is not null then
    return v_owner.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_personal_token(x.t) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.t).created_at, (x.t).token_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_tokens, v_next
  from (
    select y.t, row_number() over (order by (y.t).created_at desc, (y.t).token_id desc) as place, count(*) over () as count
    from (select t from mcp_data.personal_tokens t
      where t.account_id = v_owner.account_id
        and (p_before is null or (t.created_at, t.token_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by t.created_at desc, t.token_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'tokens', v_tokens, 'next', v_next,
    'viewer_email', mcp_data.viewer_email(p_caller, v_owner.account_id)));
end $$;
grant execute on function mcp.list_personal_tokens(jsonb, text, integer) to mcp_worker;
