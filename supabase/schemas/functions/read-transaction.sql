-- What to show for a transaction now (SECURITY §8). Showing the consent page binds the transaction to the account on it.
-- outcomes: sign_in {transaction, email_code_sent, email?, attempts_left?, linking_issuer?} · consent {the same} · page_sign_in {the same} ·
--   page {page} · transaction_gone {reason}
create or replace function mcp.read_transaction(p_transaction_id text, p_browser_digests bytea[], p_session_digests bytea[],
  p_session_idle_seconds integer, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  c mcp_data.email_challenges;
  s mcp_data.servers;
  v_session record;
  v_answer jsonb;
begin
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id;
  v_answer := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_answer is not null then
    return v_answer;
  end if;
  select * into c from mcp_data.email_challenges where transaction_id = p_transaction_id and expires_at > now();
  v_answer := jsonb_strip_nulls(jsonb_build_object('email_code_sent', c.transaction_id is not null, 'email', c.email,
    'attempts_left', c.attempts_allowed - c.attempts,
    'linking_issuer', case when t.pending_identity->>'email' = c.email then t.pending_identity->>'issuer' end));
  v_session := mcp_data.session_of(p_session_digests, p_session_idle_seconds);
  if t.page is not null then
    if v_session.session_id is not null and mcp_data.sign_in_suffices(t, null, v_session.auth_time, v_session.auth_method) then
      return jsonb_build_object('outcome', 'page', 'page', t.page);
    end if;
    return v_answer || jsonb_build_object('outcome', 'page_sign_in', 'transaction', mcp_data.show_page_transaction(t, v_session.email));
  end if;
  select * into s from mcp_data.servers where server_id = t.server_id;
  if v_session.session_id is null or not mcp_data.sign_in_suffices(t, s, v_session.auth_time, v_session.auth_method) then
    return v_answer || jsonb_build_object('outcome', 'sign_in', 'transaction', mcp_data.show_transaction(t, null, null, null));
  end if;
  if t.account_id is distinct from v_session.account_id then
    update mcp_data.transactions set account_id = v_session.account_id
    where transaction_id = p_transaction_id and decided_at is null;
  end if;
  return v_answer || jsonb_build_object('outcome', 'consent',
    'transaction', mcp_data.show_transaction(t, v_session.account_id, v_session.email, v_session.auth_time));
end $$;
grant execute on function mcp.read_transaction(text, bytea[], bytea[], integer, jsonb) to mcp_worker;
