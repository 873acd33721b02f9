-- Signs a person in, however they have shown who they are (SECURITY §9; B6): the browser's session of before ends, a new one
-- begins, and the transaction is the account's. Internal; every way to sign in ends here.
create or replace function mcp_data.begin_session(p_account_id uuid, p_auth_method text, p_transaction mcp_data.transactions,
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_request jsonb,
  p_auth_time timestamptz default now()) returns void
language plpgsql set search_path = '' as $$
declare
  t alias for p_transaction;
  v_ended_account_id uuid;
begin
  update mcp_data.sessions set ended_at = now() where session_digest = any(p_old_session_digests) and ended_at is null
  returning account_id into v_ended_account_id;
  if found then
    perform mcp_data.add_event('session.ended', 'replaced', v_ended_account_id, t.client_id, t.server_id, null, null, p_request);
  end if;
  insert into mcp_data.sessions (session_digest, session_kid, account_id, auth_time, auth_method, expires_at, ip, user_agent, country)
  values (p_session_digest, p_kid, p_account_id, p_auth_time, p_auth_method,
    now() + make_interval(secs => (p_lifetimes->>'session_absolute_seconds')::integer),
    left(p_request->>'ip', 64), left(p_request->>'user_agent', 400), left(p_request->>'country', 2));
  update mcp_data.accounts set language = coalesce(left(p_request->>'language', 8), language) where account_id = p_account_id;
  update mcp_data.transactions set account_id = p_account_id where transaction_id = t.transaction_id;
  perform mcp_data.add_event('session.created', p_auth_method, p_account_id, t.client_id, t.server_id, null, null, p_request);
end $$;
