-- Audit events (SECURITY §28): by month, insert only. A month without its own partition lands in the default one.
create table mcp_data.audit_events (
  event_id uuid not null default gen_random_uuid(),
  occurred_at timestamptz not null default now(),
  event text not null constraint audit_events_event_has_its_shape check (event ~ '^[a-z_]+\.[a-z_]+$'),
  reason text,
  account_id uuid,
  client_id text,
  server_id text,
  connection_id text,
  request_id text,
  ip text,
  user_agent text,
  detail jsonb,
  country text,
  -- The browser transaction it belongs to, so that the steps of one authorization are found together.
  transaction_id text
) partition by range (occurred_at);
create table mcp_data.audit_events_default partition of mcp_data.audit_events default;
create index audit_events_of_server on mcp_data.audit_events (server_id, occurred_at) where server_id is not null;
create index audit_events_by_moment on mcp_data.audit_events (occurred_at, event_id);
create index audit_events_of_account on mcp_data.audit_events (account_id, occurred_at) where account_id is not null;
-- Not even our own functions change or remove an event; clean_up drops whole months.
revoke update, delete, truncate on mcp_data.audit_events from mcp_owner;
