-- Signs a person in whom a provider vouches for, if the account there is linked here; else sends a code to the address that the
-- provider has verified, which links it (SECURITY §16: nobody gets into an account by an e-mail that somebody else has looked at).
-- When the person was asked there is the provider's to say: where it does not, a day ago, so that nothing which wants a fresh
-- sign-in takes it. p_code is the code to send: digest, kid, limits, device, ip.
-- outcomes: verified {account_id, email, page?, devices_forgotten_at_seconds?} · confirm {email, server_host?, sent} ·
--   email_unverified · account_disabled · switched_off · transaction_gone {reason}
create or replace function mcp.sign_in_with_provider(p_transaction_id text, p_browser_digests bytea[], p_identity jsonb, p_code jsonb,
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  a mcp_data.accounts;
  v_gone jsonb;
  v_account_id uuid;
  v_sent jsonb;
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  end if;
  update mcp_data.identities i set last_used_at = now()
  where i.issuer = p_identity->>'issuer' and i.subject = p_identity->>'subject' returning i.account_id into v_account_id;
  if v_account_id is null then
    if p_identity->>'email' is null then
      return jsonb_build_object('outcome', 'email_unverified');
    end if;
    v_sent := mcp.send_email_code(p_transaction_id, p_browser_digests, p_identity->>'email', (p_code->>'digest')::bytea, p_code->>'kid',
      p_code->'limits', p_code->'device', p_code->>'ip', p_request);
    if v_sent->>'outcome' not in ('sent', 'suppressed') then
      return v_sent;
    end if;
    update mcp_data.transactions x set pending_identity =
      jsonb_build_object('issuer', p_identity->>'issuer', 'subject', p_identity->>'subject', 'email', p_identity->>'email')
    where x.transaction_id = p_transaction_id;
    return jsonb_strip_nulls(jsonb_build_object('outcome', 'confirm', 'email', p_identity->>'email', 'sent', v_sent->>'outcome' = 'sent',
      'server_host', v_sent->>'server_host'));
  end if;
  select * into strict a from mcp_data.accounts x where x.account_id = v_account_id;
  if a.disabled_at is not null then
    perform mcp_data.add_event('authorization.failed', 'sign_in_disabled', a.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'account_disabled');
  end if;
  perform mcp_data.begin_session(a.account_id, 'provider', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request,
    least(now(), coalesce(to_timestamp((p_identity->>'auth_time_seconds')::bigint), now() - interval '1 day')));
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', a.account_id, 'email', a.email, 'page', t.page,
    'devices_forgotten_at_seconds', ceil(extract(epoch from a.devices_forgotten_at))::bigint));
end $$;
grant execute on function mcp.sign_in_with_provider(text, bytea[], jsonb, jsonb, bytea[], bytea, text, jsonb, jsonb) to mcp_worker;
