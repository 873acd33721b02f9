-- The use of a server by day and client, newest day first (HTTP-API "usage"). `p_before` is the `next` of the page before: day and
-- client digest.
-- outcomes: found {days, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.read_server_usage(p_server_id text, p_caller jsonb, p_from text, p_to text, p_before text, p_limit integer)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_days jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  select coalesce(jsonb_agg(x.told order by x.place) filter (where x.place <= p_limit), '[]'),
    max(x.cursor) filter (where x.place = p_limit and x.count > p_limit)
  into v_days, v_next
  from (
    select row_number() over (order by u.day desc, u.client_id_digest desc) as place, count(*) over () as count,
      to_char(u.day, 'YYYY-MM-DD') || '.' || encode(u.client_id_digest, 'hex') as cursor,
      jsonb_strip_nulls(jsonb_build_object('day', to_char(u.day, 'YYYY-MM-DD'), 'client_id', n.client_id, 'client_name', n.client_name,
        'connected', u.connected, 'used', u.used, 'refreshed', u.refreshed, 'active_minutes', u.active_minutes)) as told
    from (select d.day, d.client_id_digest, sum(d.connected) as connected, sum(d.used) as used, sum(d.refreshed) as refreshed,
        sum(d.active_minutes) as active_minutes
      from mcp_data.usage_days d
      where d.server_id = p_server_id and d.day between p_from::date and p_to::date
        and (p_before is null or (d.day, d.client_id_digest) < (split_part(p_before, '.', 1)::date, decode(split_part(p_before, '.', 2), 'hex')))
      group by d.day, d.client_id_digest order by d.day desc, d.client_id_digest desc limit p_limit + 1) u
    left join mcp_data.usage_clients n on n.server_id = p_server_id and n.client_id_digest = u.client_id_digest
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'days', v_days, 'next', v_next));
end $$;
grant execute on function mcp.read_server_usage(text, jsonb, text, text, text, integer) to mcp_worker;
