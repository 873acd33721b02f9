-- The API keys of a server, newest first, without secrets (J5). `p_before` is the `next` of the page before.
-- outcomes: found {keys, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_keys(p_server_id text, p_caller jsonb, p_before text default null, p_limit integer default 100)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_keys jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  if (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_key(x.k) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor((x.k).created_at, (x.k).key_id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_keys, v_next
  from (
    select y.k, row_number() over (order by (y.k).created_at desc, (y.k).key_id desc) as place, count(*) over () as count
    from (select k from mcp_data.server_keys k
      where k.server_id = p_server_id
        and (p_before is null or (k.created_at, k.key_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by k.created_at desc, k.key_id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'keys', v_keys, 'next', v_next));
end $$;
grant execute on function mcp.list_keys(text, jsonb, text, integer) to mcp_worker;
