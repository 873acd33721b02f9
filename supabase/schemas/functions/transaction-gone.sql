-- Why a transaction cannot go on, for this browser (SECURITY §8, A30, B11), or null when it can. Internal.
-- Another browser's transaction is as unknown as none.
create or replace function mcp_data.transaction_gone(p_transaction mcp_data.transactions, p_browser_digests bytea[]) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  v_reason text;
begin
  v_reason := case
    when p_transaction.transaction_id is null
      or not coalesce(p_transaction.browser_digest = any(p_browser_digests), false) then 'transaction_unknown'
    when p_transaction.decided_at is not null then 'transaction_decided'
    when p_transaction.expires_at <= now() then 'transaction_expired' end;
  if v_reason is null then
    return null;
  end if;
  return jsonb_build_object('outcome', 'transaction_gone', 'reason', v_reason);
end $$;
