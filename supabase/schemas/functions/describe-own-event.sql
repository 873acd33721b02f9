-- An audit event as the person it is about sees it. Internal. Names are those of the connection, or of the pre-registered client.
create or replace function mcp_data.describe_own_event(e mcp_data.audit_events) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('event', e.event, 'reason', e.reason,
    'occurred_at_seconds', floor(extract(epoch from e.occurred_at))::bigint, 'ip', e.ip, 'user_agent', e.user_agent, 'country', e.country,
    'client_name', coalesce((select c.client->>'client_name' from mcp_data.connections c where c.connection_id = e.connection_id),
      (select p.client_name from mcp_data.clients p where p.client_id = e.client_id)),
    'server_name', (select s.server_name from mcp_data.servers s where s.server_id = e.server_id),
    'scopes', e.detail->'scopes'));
end $$;
