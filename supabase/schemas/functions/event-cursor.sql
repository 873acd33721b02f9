-- Where a page of events ends: its moment in microseconds, and its id. Internal.
create or replace function mcp_data.event_cursor(p_event mcp_data.audit_events) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return floor(extract(epoch from p_event.occurred_at) * 1000000)::bigint || '.' || p_event.event_id;
end $$;
