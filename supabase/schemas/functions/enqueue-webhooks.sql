-- Puts an event on its way to the webhooks of a server that want it. Internal. It names ids, never a person's address or place.
create or replace function mcp_data.enqueue_webhooks(p_type text, p_reason text, p_client_id text, p_server_id text, p_connection_id text,
  p_detail jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  insert into mcp_data.webhook_messages (webhook_id, payload)
  select w.webhook_id, jsonb_build_object('type', p_type, 'timestamp', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'data', jsonb_strip_nulls(jsonb_build_object('server_id', p_server_id, 'client_id', p_client_id, 'connection_id', p_connection_id,
      'reason', p_reason, 'key_id', p_detail->'key_id', 'expires_at_seconds', p_detail->'expires_at_seconds', 'seen', p_detail->'seen')))
  from mcp_data.webhooks w where w.server_id = p_server_id and p_type = any(w.events);
end $$;
