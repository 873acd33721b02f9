-- The last authorizations at a server and how far each came (diagnosis): transactions of the last hour that led nowhere yet, and
-- connections. Newest first; `p_before` is the `next` of the page before. With `p_reference` only those which gave somebody that
-- reference: on a page, in an answer to a program, or with a token's last refusal.
-- outcomes: found {authorizations, next?} · not_found · caller_unknown · scope_missing {scope} · sign_in
create or replace function mcp.list_authorizations(p_server_id text, p_caller jsonb, p_before text, p_limit integer,
  p_reference text default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  -- What the events of that reference are about.
  v_transactions text[];
  v_connections text[];
  v_found jsonb;
  v_next text;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  elsif (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if p_reference is not null then
    select coalesce(array_agg(e.transaction_id) filter (where e.transaction_id is not null), '{}'),
      coalesce(array_agg(e.connection_id) filter (where e.connection_id is not null), '{}')
    into v_transactions, v_connections
    from (select * from mcp_data.audit_events x where x.server_id = p_server_id and x.request_id = p_reference limit 100) e;
  end if;
  select coalesce(jsonb_agg(mcp_data.describe_authorization(p_server_id, x.transaction_id, x.connection_id, x.started_at, x.client, x.state)
      order by x.place) filter (where x.place <= p_limit), '[]'),
    max(mcp_data.row_cursor(x.started_at, x.id)) filter (where x.place = p_limit and x.count > p_limit)
  into v_found, v_next
  from (
    select y.*, row_number() over (order by y.started_at desc, y.id desc) as place, count(*) over () as count
    from (
      (select t.transaction_id as id, t.transaction_id, null::text as connection_id, t.created_at as started_at, t.client,
        case when t.decision = 'denied' then 'denied' when t.expires_at <= now() then 'abandoned'
          when t.account_id is not null then 'signed_in' else 'waiting' end as state
      from mcp_data.transactions t
      where t.server_id = p_server_id and t.decision is distinct from 'approved'
        and (p_reference is null or t.transaction_id = any(v_transactions))
        and (p_before is null or (t.created_at, t.transaction_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by t.created_at desc, t.transaction_id desc limit p_limit + 1)
      union all
      (select c.connection_id, c.transaction_id, c.connection_id, c.created_at, c.client,
        case when c.revoked_at is not null then 'ended' when c.suspended_at is not null then 'suspended'
          when c.code_redeemed_at is not null then 'connected' when c.code_expires_at <= now() then 'code_not_redeemed' else 'approved' end
      from mcp_data.connections c
      where c.server_id = p_server_id
        and (p_reference is null or c.refused_request_id = p_reference or c.connection_id = any(v_connections)
          or c.transaction_id = any(v_transactions))
        and (p_before is null or (c.created_at, c.connection_id) < (mcp_data.cursor_moment(p_before), split_part(p_before, '.', 2)))
      order by c.created_at desc, c.connection_id desc limit p_limit + 1)
      order by started_at desc, id desc limit p_limit + 1) y
  ) x;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'authorizations', v_found, 'next', v_next));
end $$;
grant execute on function mcp.list_authorizations(text, jsonb, text, integer, text) to mcp_worker;
