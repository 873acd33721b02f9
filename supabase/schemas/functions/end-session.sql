-- Signs a browser out (SECURITY §9). With a transaction of that browser, the transaction goes back to sign-in.
-- outcomes: ended · no_session
create or replace function mcp.end_session(p_session_digests bytea[], p_transaction_id text, p_browser_digests bytea[],
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_account_id uuid;
begin
  if p_transaction_id is not null then
    update mcp_data.transactions set account_id = null
    where transaction_id = p_transaction_id and browser_digest = any(p_browser_digests) and decided_at is null;
  end if;
  update mcp_data.sessions set ended_at = now()
  where session_digest = any(p_session_digests) and ended_at is null and expires_at > now()
  returning account_id into v_account_id;
  if not found then
    return jsonb_build_object('outcome', 'no_session');
  end if;
  perform mcp_data.add_event('session.ended', 'signed_out', v_account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'ended');
end $$;
grant execute on function mcp.end_session(bytea[], text, bytea[], jsonb) to mcp_worker;
