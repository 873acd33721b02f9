-- Whether a transaction's resource and client may still be connected at the moment of consent (A35, F28). Internal.
create or replace function mcp_data.resource_is_alive(p_transaction mcp_data.transactions) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  if (mcp_data.check_client(p_transaction.client)).refusal is not null then
    return false;
  end if;
  return p_transaction.server_id is null or exists (
    select from mcp_data.servers s where s.server_id = p_transaction.server_id
      and (s.status = 'verified' or (s.status = 'pending' and s.owner_account_id = p_transaction.account_id))
      and mcp_data.client_policy_allows(s.client_policy, p_transaction.client->>'kind'));
end $$;
