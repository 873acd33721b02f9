-- Where an owner wants to be told (HTTP-API "Webhooks"). The secret that signs is derived from the id, so it is nowhere stored.
create table mcp_data.webhooks (
  webhook_id text not null constraint webhooks_pkey primary key
    constraint webhooks_webhook_id_has_its_shape check (webhook_id ~ '^whk_[0-9A-Za-z]{12}$'),
  server_id text not null references mcp_data.servers (server_id) on delete cascade,
  url text not null constraint webhooks_url_is_absolute check (url ~ '^https?://' and length(url) <= 2048),
  kid text not null constraint webhooks_kid_is_short check (length(kid) between 1 and 64),
  events text[] not null constraint webhooks_have_events check (cardinality(events) between 1 and 16),
  created_at timestamptz not null default now()
);
create index webhooks_of_server on mcp_data.webhooks (server_id);

-- Messages on their way: tried again with growing pauses, kept for a month so that they can be sent again.
create table mcp_data.webhook_messages (
  message_id text not null constraint webhook_messages_pkey primary key default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
  webhook_id text not null references mcp_data.webhooks (webhook_id) on delete cascade,
  payload jsonb not null,
  created_at timestamptz not null default now(),
  next_attempt_at timestamptz default now(),
  attempts integer not null default 0,
  delivered_at timestamptz,
  last_attempt_at timestamptz,
  last_seen text constraint webhook_messages_last_seen_is_short check (length(last_seen) <= 500)
);
create index webhook_messages_due on mcp_data.webhook_messages (webhook_id, next_attempt_at) where next_attempt_at is not null;
create index webhook_messages_of_webhook on mcp_data.webhook_messages (webhook_id, created_at);
