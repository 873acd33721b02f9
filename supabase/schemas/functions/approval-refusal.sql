-- Why a transaction may not be approved any more, or null when it may (A35, A36, F28): client, server and policy can have
-- changed while the person was reading. The reason is the one that the page names. Internal.
create or replace function mcp_data.approval_refusal(p_transaction mcp_data.transactions) returns text
language plpgsql stable set search_path = '' as $$
declare
  v_client_refusal text := (mcp_data.check_client(p_transaction.client)).refusal;
  s mcp_data.servers;
begin
  if v_client_refusal is not null or p_transaction.server_id is null then
    return v_client_refusal;
  end if;
  select * into s from mcp_data.servers where server_id = p_transaction.server_id
    and (status = 'verified' or (status = 'pending' and owner_account_id = p_transaction.account_id));
  if s.server_id is null then
    return 'resource_gone';
  end if;
  return case when not mcp_data.client_is_allowed(s.server_id, s.client_policy, s.has_client_rules,
    p_transaction.client_id, p_transaction.client->>'kind', p_transaction.redirect_uri) then 'client_not_allowed' end;
end $$;
