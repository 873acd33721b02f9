-- The API keys of a server, newest first, without secrets (J5). At most 100.
-- outcomes: found {keys} · not_found · caller_unknown · scope_missing {scope}
create or replace function mcp.list_keys(p_server_id text, p_caller jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  v_caller record;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:read');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  if (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'found', 'keys', (
    select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('key_id', k.key_id, 'name', k.name, 'last_four', k.last_four,
        'created_at_seconds', floor(extract(epoch from k.created_at))::bigint,
        'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint,
        'last_used_at_seconds', floor(extract(epoch from k.last_used_at))::bigint,
        'revoked_at_seconds', floor(extract(epoch from k.revoked_at))::bigint)) order by k.created_at desc, k.key_id), '[]')
    from (select * from mcp_data.server_keys x where x.server_id = p_server_id order by x.created_at desc limit 100) k));
end $$;
grant execute on function mcp.list_keys(text, jsonb) to mcp_worker;
