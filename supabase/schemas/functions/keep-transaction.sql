-- Writes the row of a transaction. One browser holds a bounded number of open ones; the oldest makes room. Internal.
-- (Plans are kept by a session from its first calls on: one made for an empty table must not read a full one through.)
create or replace function mcp_data.keep_transaction(p_transaction mcp_data.transactions, p_browser_digests bytea[], p_max_open integer) returns void
language plpgsql set search_path = '' set enable_seqscan = off as $$
begin
  -- An array, because a sub-select may be planned as a join that reads the whole table.
  delete from mcp_data.transactions o where o.transaction_id = any(array(
    select x.transaction_id from mcp_data.transactions x
    where x.browser_digest = any(p_browser_digests || p_transaction.browser_digest) and x.decided_at is null
    order by x.created_at desc offset greatest(p_max_open, 1) - 1));
  insert into mcp_data.transactions select p_transaction.*;
end $$;
