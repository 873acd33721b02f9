-- What an owner's webhook calls an audit event; null for those it is not told of. Internal.
create or replace function mcp_data.webhook_event(p_event text, p_reason text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return case p_event
    when 'authorization_code.redeemed' then 'connection.made'
    when 'connection.revoked' then 'connection.revoked'
    when 'refresh.reused' then case when p_reason <> 'client_mismatch' then 'theft.suspected' end
    when 'authorization_code.replayed' then 'theft.suspected'
    when 'key.expiring' then 'key.expiring'
    when 'document.fetch_failed' then case p_reason when 'server_proof_failed' then 'proof.failing' end
    when 'server.suspended' then 'server.suspended' end;
end $$;
