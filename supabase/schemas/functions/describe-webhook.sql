-- A webhook as its owner sees it: never its secret. Internal.
create or replace function mcp_data.describe_webhook(w mcp_data.webhooks) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object('webhook_id', w.webhook_id, 'url', w.url, 'events', to_jsonb(w.events),
    'created_at_seconds', floor(extract(epoch from w.created_at))::bigint);
end $$;
