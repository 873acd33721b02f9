-- Deletes an account (J22, M18): connections and sessions go with it, servers it owns end as if deleted one by one. Internal. Gives the
-- row that was there; an empty one: there is none any more.
create or replace function mcp_data.end_account(p_account_id uuid, p_reason text, p_request jsonb) returns mcp_data.accounts
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts;
  v_server_id text;
begin
  -- Locked as a sign-in and a consent lock them: transaction, session, account. Whoever comes second finds no account any more.
  perform from mcp_data.transactions t where t.account_id = p_account_id order by t.transaction_id for update;
  perform from mcp_data.sessions s where s.account_id = p_account_id order by s.session_id for update;
  select * into a from mcp_data.accounts x where x.account_id = p_account_id for update;
  if not found then
    return null;
  end if;
  for v_server_id in select s.server_id from mcp_data.servers s where s.owner_account_id = a.account_id and s.status <> 'deleted' order by 1 loop
    perform mcp_data.end_server(v_server_id, a.account_id, p_request);
  end loop;
  perform mcp_data.end_connections(a.account_id, null, 'all', 'account_deleted', p_request);
  delete from mcp_data.accounts x where x.account_id = a.account_id;
  perform mcp_data.add_event('account.deleted', p_reason, a.account_id, null, null, null, null, p_request);
  return a;
end $$;
