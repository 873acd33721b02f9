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
