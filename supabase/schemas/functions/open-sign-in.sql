-- Begins a sign-in for one of our own pages (SECURITY §8, §9). A session is enough unless it has to be fresh: then it must have
-- begun at most p_fresh_seconds ago, and with p_needs_passkey by a passkey.
-- outcomes: signed_in · page_sign_in {transaction}
create or replace function mcp.open_sign_in(p_transaction_id text, p_browser_digests bytea[], p_browser_digest bytea, p_kid text,
  p_session_digests bytea[], p_page text, p_fresh_seconds integer, p_lifetimes jsonb, p_max_open_transactions integer,
  p_needs_passkey boolean default false) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_session record;
  t mcp_data.transactions;
begin
  v_session := mcp_data.session_of(p_session_digests, (p_lifetimes->>'session_idle_seconds')::integer);
  t.minimum_auth_time := now() - make_interval(secs => p_fresh_seconds);
  t.needs_passkey := p_needs_passkey;
  if v_session.session_id is not null and mcp_data.sign_in_suffices(t, null, v_session.auth_time, v_session.auth_method) then
    perform mcp_data.renew_session_digest(v_session.session_id, p_session_digests[1], p_kid);
    return jsonb_build_object('outcome', 'signed_in');
  end if;
  t.transaction_id := p_transaction_id;
  t.browser_digest := p_browser_digest;
  t.browser_kid := p_kid;
  t.created_at := now();
  t.passkey_round := 0;
  t.expires_at := now() + make_interval(secs => (p_lifetimes->>'transaction_seconds')::integer);
  t.page := p_page;
  perform mcp_data.keep_transaction(t, p_browser_digests, p_max_open_transactions);
  return jsonb_build_object('outcome', 'page_sign_in',
    'transaction', mcp_data.show_page_transaction(t, v_session.email));
end $$;
grant execute on function mcp.open_sign_in(text, bytea[], bytea, text, bytea[], text, integer, jsonb, integer, boolean) to mcp_worker;
