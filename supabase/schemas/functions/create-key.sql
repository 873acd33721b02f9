-- Makes an API key for a server (SECURITY §3; J4, J5, J24). Its secret is never here, only the derived digest.
-- With an idempotency key the same call answers the same key (`replayed`); `secret_is_same` says whether the caller's derivation gave
-- the digest that is stored, so that the secret may be told again.
-- outcomes: created {key, secret_is_same, replayed?, notice?} · idempotency_mismatch · limited {reason, retry_after_seconds?} ·
--   not_found · caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.create_key(p_server_id text, p_caller jsonb, p_key jsonb, p_limits jsonb,
  p_idempotency jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_before record;
  s mcp_data.servers;
  k mcp_data.server_keys;
  v_wait integer;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'keys:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- Locks the server, so that parallel calls are counted one after the other.
  select * into s from mcp_data.servers x
  where x.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id and x.status <> 'deleted'
  for no key update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  v_before := mcp_data.made_before(p_idempotency);
  if v_before.is_mismatch then
    return jsonb_build_object('outcome', 'idempotency_mismatch');
  end if;
  -- Its id is drawn from the request, so the key is there for longer than the idempotency key is remembered.
  select * into k from mcp_data.server_keys x where x.key_id = coalesce(v_before.made_id, p_key->>'key_id') and x.server_id = p_server_id;
  if found and k.revoked_at is null then
    return jsonb_build_object('outcome', 'created', 'key', mcp_data.describe_key(k), 'replayed', true,
      'secret_is_same', k.key_digest = (p_key->>'digest')::bytea);
  elsif found or v_before.made_id is not null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if (p_limits->>'keys')::integer <= (select count(*) from mcp_data.server_keys x
    where x.server_id = p_server_id and x.revoked_at is null and (x.expires_at is null or x.expires_at > now())) then
    perform mcp_data.tell_limit('keys', v_caller.account_id, p_server_id, p_request);
    return jsonb_build_object('outcome', 'limited', 'reason', 'keys');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.server_keys (key_id, server_id, key_digest, key_kid, name, last_four, expires_at)
  values (p_key->>'key_id', p_server_id, (p_key->>'digest')::bytea, p_key->>'kid', p_key->>'name', p_key->>'last_four',
    now() + make_interval(secs => (p_key->>'expires_in_seconds')::integer))
  returning * into k;
  perform mcp_data.add_event('key.created', null, v_caller.account_id, null, p_server_id, null, jsonb_build_object('key_id', k.key_id), p_request);
  perform mcp_data.keep_idempotency_key(p_idempotency, k.key_id);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'created', 'key', mcp_data.describe_key(k), 'secret_is_same', true,
    'notice', mcp_data.addressee(s.owner_account_id)));
end $$;
grant execute on function mcp.create_key(text, jsonb, jsonb, jsonb, jsonb, jsonb) to mcp_worker;
