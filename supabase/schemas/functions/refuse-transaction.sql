-- As transaction_gone; and where a transaction of this browser has expired, an event, so that the reference on the page is
-- found there too (SECURITY §28): three at most for one transaction, because a page can be asked for again and again. Internal.
create or replace function mcp_data.refuse_transaction(p_transaction mcp_data.transactions, p_browser_digests bytea[], p_request jsonb)
returns jsonb
language plpgsql set search_path = '' as $$
declare
  t alias for p_transaction;
  v_gone jsonb := mcp_data.transaction_gone(p_transaction, p_browser_digests);
begin
  -- Not in one condition: null and x looks at x, and would count what has not expired.
  if v_gone->>'reason' = 'transaction_expired' then
    if mcp_data.take_limit('transaction_expired', t.transaction_id, array[3600], array[3]) = 0 then
      perform mcp_data.add_event('authorization.failed', 'transaction_expired', t.account_id, t.client_id, t.server_id, null, null, p_request);
    end if;
  end if;
  return v_gone;
end $$;
