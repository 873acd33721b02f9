-- How far one authorization came, for the owner's diagnosis: its events in order, and the last refusal of its tokens. Internal.
create or replace function mcp_data.describe_authorization(p_server_id text, p_transaction_id text, p_connection_id text, p_started_at timestamptz,
  p_client jsonb, p_state text) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_steps jsonb;
begin
  select coalesce(jsonb_agg(mcp_data.describe_server_event(x.e) order by (x.e).occurred_at, (x.e).event_id), '[]') into v_steps
  from (select e from mcp_data.audit_events e
    where e.server_id = p_server_id and e.occurred_at >= p_started_at - interval '15 minutes'
      and (e.transaction_id = p_transaction_id or e.connection_id = p_connection_id)
    order by e.occurred_at limit 50) x;
  return jsonb_strip_nulls(jsonb_build_object('started_at_seconds', floor(extract(epoch from p_started_at))::bigint,
    'state', p_state, 'transaction_id', p_transaction_id, 'connection_id', p_connection_id,
    'client_id', p_client->>'client_id', 'client_name', p_client->>'client_name', 'steps', v_steps,
    'last_refusal', (select jsonb_build_object('step', c.refused_step, 'reason', c.refused_reason, 'reference', c.refused_request_id,
        'occurred_at_seconds', floor(extract(epoch from c.refused_at))::bigint)
      from mcp_data.connections c where c.connection_id = p_connection_id and c.refused_at is not null)));
end $$;
