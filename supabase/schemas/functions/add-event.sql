-- Writes an audit event (SECURITY §28), and puts it on its way to the webhooks that want it. Internal: nobody may execute it but mcp_owner's own functions.
create or replace function mcp_data.add_event(p_event text, p_reason text, p_account_id uuid, p_client_id text, p_server_id text,
  p_connection_id text, p_detail jsonb, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  insert into mcp_data.audit_events
    (event, reason, account_id, client_id, server_id, connection_id, detail, request_id, ip, user_agent, country, transaction_id)
  values (p_event, p_reason, p_account_id, p_client_id, p_server_id, p_connection_id, p_detail,
    left(p_request->>'request_id', 100), left(p_request->>'ip', 64), left(p_request->>'user_agent', 400), left(p_request->>'country', 2),
    left(p_request->>'transaction_id', 22));
  if p_server_id is not null and mcp_data.webhook_event(p_event, p_reason) is not null then
    perform mcp_data.enqueue_webhooks(mcp_data.webhook_event(p_event, p_reason), p_reason, p_client_id, p_server_id, p_connection_id, p_detail);
  end if;
end $$;
