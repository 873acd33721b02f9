-- The caller's servers, newest first (J24). `p_before` is the `next` of the page before; `viewer_email` is for our own pages.
-- outcomes: found {servers, next?, viewer_email?} · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_servers(p_caller jsonb, p_before text default null, p_limit integer default 100) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_servers jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_server(x.s) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.s).created_at, (x.s).server_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_servers, v_next
  from (
    select y.s, row_number() over (order by (y.s).created_at desc, (y.s).server_id desc) as place, count(*) over () as count
    from (select s from mcp_data.servers s
      where s.status <> 'deleted' and (s.owner_account_id = v_caller.account_id or s.server_id = v_caller.server_id)
        and (p_before is null or (s.created_at, s.server_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by s.created_at desc, s.server_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'servers', v_servers, 'next', v_next,
    'viewer_email', mcp_data.viewer_email(p_caller, v_caller.account_id)));
end $$;
grant execute on function mcp.list_servers(jsonb, text, integer) to mcp_worker;
