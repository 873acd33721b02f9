-- Ends every connection and personal token at once by raising the issuer epoch (SECURITY §6, M5). Cannot be undone. Internal. One event
-- says it for all: their number is not bounded.
-- outcomes: raised {issuer_epoch, connections}
create or replace function mcp_data.operate_raise_epoch(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_epoch integer;
  v_connections integer;
begin
  update mcp_data.settings x set issuer_epoch = x.issuer_epoch + 1 returning x.issuer_epoch into v_epoch;
  select count(*) into v_connections from mcp_data.connections c
  where c.revoked_at is null and c.issuer_epoch = v_epoch - 1 and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now();
  perform mcp_data.add_event('operator.epoch_raised', p_arguments->>'reason', null, null, null, null,
    jsonb_build_object('issuer_epoch', v_epoch, 'connections', v_connections), p_request);
  return jsonb_build_object('outcome', 'raised', 'issuer_epoch', v_epoch, 'connections', v_connections);
end $$;
