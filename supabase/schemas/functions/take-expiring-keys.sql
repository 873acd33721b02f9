-- API keys that end within a week and of which nobody was told yet, a bounded number: each is taken once, its webhooks hear of it,
-- and its owner is to be told by mail.
-- outcomes: taken {keys}
create or replace function mcp.take_expiring_keys(p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  k mcp_data.server_keys;
  v_keys jsonb := '[]';
begin
  for k in
    update mcp_data.server_keys x set expiry_told_at = now() where x.key_id = any(array(
      select y.key_id from mcp_data.server_keys y
      where y.expires_at < now() + interval '7 days' and y.expiry_told_at is null and y.revoked_at is null and y.expires_at > now()
      order by y.expires_at limit p_limit for update skip locked))
    returning x.*
  loop
    perform mcp_data.add_event('key.expiring', null, null, null, k.server_id, null, jsonb_build_object('key_id', k.key_id,
      'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint), null);
    v_keys := v_keys || jsonb_strip_nulls(jsonb_build_object('key_id', k.key_id, 'server_id', k.server_id,
      'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint,
      'notice', (select mcp_data.addressee(s.owner_account_id) from mcp_data.servers s where s.server_id = k.server_id)));
  end loop;
  return jsonb_build_object('outcome', 'taken', 'keys', v_keys);
end $$;
grant execute on function mcp.take_expiring_keys(integer) to mcp_worker;
