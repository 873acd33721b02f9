-- Makes a personal token (J19, J22, J24): by a fresh session, or by an access token of a fresh sign-in (RFC 9470), never by another
-- personal token, or a stolen one would live for ever. Its scopes are among the caller's. p_limits: tokens, writes_per_hour,
-- fresh_seconds. With an idempotency key the same call answers the same token, as in create_key.
-- outcomes: created {token, secret_is_same, replayed?, notice?} · idempotency_mismatch · not_found · not_allowed ·
--   limited {reason, retry_after_seconds?} · caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.create_personal_token(p_caller jsonb, p_token jsonb, p_limits jsonb, p_idempotency jsonb default null,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_owner record;
  v_scope text;
  v_before record;
  v_wait integer;
  t mcp_data.personal_tokens;
begin
  foreach v_scope in array mcp_data.text_array(p_token->'scopes') loop
    v_owner := mcp_data.resolve_owner(p_caller, v_scope);
    if v_owner.refusal is not null then
      return v_owner.refusal;
    end if;
  end loop;
  if p_caller->>'kind' = 'personal' then
    return jsonb_build_object('outcome', 'not_allowed');
  elsif p_caller->>'kind' = 'connection' and not exists (select from mcp_data.connection_caller(p_caller) c
    where c.auth_time >= now() - make_interval(secs => (p_limits->>'fresh_seconds')::integer)) then
    return jsonb_build_object('outcome', 'not_fresh');
  end if;
  -- Locks the account, so that parallel calls are counted one after the other.
  perform from mcp_data.accounts where account_id = v_owner.account_id for no key update;
  v_before := mcp_data.made_before(p_idempotency);
  if v_before.is_mismatch then
    return jsonb_build_object('outcome', 'idempotency_mismatch');
  end if;
  -- Its id is drawn from the request, so the token is there for longer than the idempotency key is remembered.
  select * into t from mcp_data.personal_tokens x
  where x.token_id = coalesce(v_before.made_id, p_token->>'token_id') and x.account_id = v_owner.account_id;
  if found and t.revoked_at is null then
    return jsonb_build_object('outcome', 'created', 'token', mcp_data.describe_personal_token(t), 'replayed', true,
      'secret_is_same', t.token_digest = (p_token->>'digest')::bytea);
  elsif found or v_before.made_id is not null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if (p_limits->>'tokens')::integer <= (select count(*) from mcp_data.personal_tokens x
    where x.account_id = v_owner.account_id and x.revoked_at is null and x.expires_at > now()) then
    perform mcp_data.tell_limit('tokens', v_owner.account_id, null, p_request);
    return jsonb_build_object('outcome', 'limited', 'reason', 'tokens');
  end if;
  v_wait := mcp_data.take_limit('owner_write', v_owner.account_id::text, array[3600], array[(p_limits->>'writes_per_hour')::integer]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.personal_tokens (token_id, account_id, token_digest, token_kid, name, last_four, scopes, issuer_epoch, expires_at)
  select p_token->>'token_id', v_owner.account_id, (p_token->>'digest')::bytea, p_token->>'kid', p_token->>'name', p_token->>'last_four',
    mcp_data.text_array(p_token->'scopes'), e.issuer_epoch, now() + make_interval(secs => (p_token->>'expires_in_seconds')::integer)
  from mcp_data.settings e returning * into t;
  perform mcp_data.add_event('personal_token.created', null, v_owner.account_id, null, null, null,
    jsonb_build_object('token_id', t.token_id, 'scopes', t.scopes), p_request);
  perform mcp_data.keep_idempotency_key(p_idempotency, t.token_id);
  return jsonb_build_object('outcome', 'created', 'token', mcp_data.describe_personal_token(t), 'secret_is_same', true,
    'notice', mcp_data.addressee(v_owner.account_id));
end $$;
grant execute on function mcp.create_personal_token(jsonb, jsonb, jsonb, jsonb, jsonb) to mcp_worker;
