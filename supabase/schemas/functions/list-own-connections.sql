-- A person's connections, the last used first (HTTP-API "Pages"; B31). `p_after` is the `next` of the page before.
-- outcomes: found {email, connections, next?} · sign_in
create or replace function mcp.list_own_connections(p_session_digests bytea[], p_session_idle_seconds integer, p_after text, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_connections jsonb;
  v_next text;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_own_connection(x.c) order by x.place) filter (where x.place <= p_limit), '[]'),
    max(x.used || '.' || (x.c).connection_id) filter (where x.place = p_limit and x.count > p_limit)
  into v_connections, v_next
  from (
    select c, u.used, row_number() over (order by u.used desc, (c).connection_id) as place, count(*) over () as count
    from mcp_data.live_connections(v_person.account_id) c
    cross join lateral (select floor(extract(epoch from coalesce(c.last_used_at, c.created_at)) * 1000000)::bigint as used) u
    where p_after is null or u.used < split_part(p_after, '.', 1)::bigint
      or (u.used = split_part(p_after, '.', 1)::bigint and c.connection_id > split_part(p_after, '.', 2))
  ) x where x.place <= p_limit;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'email', v_person.email, 'connections', v_connections, 'next', v_next));
end $$;
grant execute on function mcp.list_own_connections(bytea[], integer, text, integer) to mcp_worker;
