-- An audit event as the owner of the server sees it (SECURITY §28): no address, device or place of a person, and of the details only
-- those that are about the server. Internal.
create or replace function mcp_data.describe_server_event(e mcp_data.audit_events) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_detail jsonb;
begin
  select jsonb_object_agg(d.key, d.value) into v_detail from jsonb_each(coalesce(e.detail, '{}')) d
  where d.key in ('key_id', 'scopes', 'before', 'after', 'connections', 'host', 'from', 'by', 'keys_revoked', 'method', 'seen');
  return jsonb_strip_nulls(jsonb_build_object('event_id', e.event_id, 'event', e.event, 'reason', e.reason,
    'occurred_at_seconds', floor(extract(epoch from e.occurred_at))::bigint, 'client_id', e.client_id,
    'connection_id', e.connection_id, 'transaction_id', e.transaction_id, 'reference', e.request_id, 'detail', v_detail));
end $$;
