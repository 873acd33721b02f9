-- Who is connected to a server, newest first (HTTP-API "Server management"; J26). `p_before` is the `next` of the page before.
-- outcomes: found {connections, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_server_connections(p_server_id text, p_caller jsonb, p_before text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  s mcp_data.servers;
  v_connections jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  s := mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id);
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_server_connection(x.c, s) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.c).created_at, (x.c).connection_id))
      filter (where x.place = p_limit and x.count > p_limit)
  into v_connections, v_next
  from (
    select y.c, row_number() over (order by (y.c).created_at desc, (y.c).connection_id desc) as place, count(*) over () as count
    from (select c from mcp_data.connections c cross join mcp_data.settings e
      where c.server_id = p_server_id and c.revoked_at is null and c.issuer_epoch = e.issuer_epoch and c.code_redeemed_at is not null
        and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now()
        and (p_before is null or (c.created_at, c.connection_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by c.created_at desc, c.connection_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'connections', v_connections, 'next', v_next));
end $$;
grant execute on function mcp.list_server_connections(text, jsonb, text, integer) to mcp_worker;
