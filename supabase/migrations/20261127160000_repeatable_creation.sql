-- Personal tokens and webhooks may be asked for again under an idempotency key, as keys and servers may: so that a form that a browser
-- sends twice makes one (draft-ietf-httpapi-idempotency-key-header).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Each gets another argument, so the old ones go.
drop function mcp.create_personal_token(jsonb, jsonb, jsonb, jsonb);
drop function mcp.create_webhook(text, jsonb, jsonb, jsonb, jsonb);

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
    perform mcp_data.add_event('limit.hit', 'keys', v_caller.account_id, null, p_server_id, null, null, p_request);
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
    perform mcp_data.add_event('limit.hit', 'tokens', v_owner.account_id, null, null, null, null, p_request);
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

-- Makes a webhook for a server (HTTP-API "Webhooks"), at most five. Its secret is drawn from its id under the key `kid`. With an
-- idempotency key the same call answers the same webhook (`replayed`).
-- outcomes: created {webhook, kid, replayed?} · idempotency_mismatch · limited {reason, retry_after_seconds?} · not_found ·
--   caller_unknown · scope_missing {scope} · sign_in · not_fresh
create or replace function mcp.create_webhook(p_server_id text, p_caller jsonb, p_webhook jsonb, p_limits jsonb default null,
  p_idempotency jsonb default null, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_caller record;
  v_before record;
  v_wait integer;
  w mcp_data.webhooks;
begin
  v_caller := mcp_data.resolve_caller(p_caller, 'servers:write');
  if v_caller.refusal is not null then
    return v_caller.refusal;
  end if;
  -- Locks the server, so that parallel calls are counted one after the other.
  perform from mcp_data.servers s
  where s.server_id = (mcp_data.find_own_server(p_server_id, v_caller.account_id, v_caller.server_id)).server_id and s.status <> 'deleted'
  for no key update;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  v_before := mcp_data.made_before(p_idempotency);
  if v_before.is_mismatch then
    return jsonb_build_object('outcome', 'idempotency_mismatch');
  elsif v_before.made_id is not null then
    select * into w from mcp_data.webhooks x where x.webhook_id = v_before.made_id and x.server_id = p_server_id;
    return case when found then jsonb_build_object('outcome', 'created', 'webhook', mcp_data.describe_webhook(w), 'kid', w.kid,
        'replayed', true)
      else jsonb_build_object('outcome', 'not_found') end;
  elsif (select count(*) from mcp_data.webhooks x where x.server_id = p_server_id) >= 5 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'webhooks');
  end if;
  v_wait := mcp_data.take_limit('owner_write', coalesce(v_caller.account_id::text, p_server_id), array[3600],
    array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  insert into mcp_data.webhooks (webhook_id, server_id, url, kid, events)
  values (p_webhook->>'webhook_id', p_server_id, p_webhook->>'url', p_webhook->>'kid', mcp_data.text_array(p_webhook->'events'))
  returning * into w;
  perform mcp_data.add_event('webhook.created', null, v_caller.account_id, null, p_server_id, null,
    jsonb_build_object('webhook_id', w.webhook_id), p_request);
  perform mcp_data.keep_idempotency_key(p_idempotency, w.webhook_id);
  return jsonb_build_object('outcome', 'created', 'webhook', mcp_data.describe_webhook(w), 'kid', w.kid);
end $$;
grant execute on function mcp.create_webhook(text, jsonb, jsonb, jsonb, jsonb, jsonb) to mcp_worker;

update mcp_data.settings set schema_version = '20261127160000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
