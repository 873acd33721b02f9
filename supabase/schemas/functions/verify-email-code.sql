-- Checks a one-time code and signs the person in (SECURITY §9, §15; B6, C1-C4, C11, C18). The attempt is counted before the
-- comparison, a right code is used up by it, the session of before ends, and the account is made only now.
-- outcomes: verified {account_id, email, auth_time_seconds, page?, linked_issuer?, devices_forgotten_at_seconds?} · wrong {attempts_left} · exhausted · expired · not_sent ·
--   limited · account_disabled · switched_off · transaction_gone {reason}
create or replace function mcp.verify_email_code(p_transaction_id text, p_browser_digests bytea[], p_code_digests bytea[],
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_limits jsonb,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  c mcp_data.email_challenges;
  v_gone jsonb;
  v_refusal text;
  v_account mcp_data.accounts;
  v_linked_issuer text;
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  elsif not (select e.email_sign_in_is_on from mcp_data.settings e) then
    return jsonb_build_object('outcome', 'switched_off');
  end if;
  -- The challenge cannot change meanwhile: whoever sends or checks a code of this transaction holds its row.
  select * into c from mcp_data.email_challenges where transaction_id = p_transaction_id;
  v_refusal := case when not found then 'not_sent' when c.expires_at <= now() then 'expired'
    when c.attempts >= c.attempts_allowed then 'exhausted' end;
  -- The day's failure is taken before the comparison and given back after a right code: so many at once, each with a code of
  -- its own, wait for each other here, and no more are compared than may fail.
  if v_refusal is null and mcp_data.take_limit('code_failed', mcp_data.code_subject(c.email, c.device_id), array[86400],
    array[(p_limits->>'failures_per_account_day')::integer]) > 0 then
    v_refusal := 'limited';
  end if;
  if v_refusal is not null then
    return jsonb_build_object('outcome', v_refusal);
  end if;
  update mcp_data.email_challenges e set attempts = e.attempts + 1 where e.transaction_id = p_transaction_id returning * into c;
  if not coalesce(c.code_digest = any(p_code_digests), false) then
    perform mcp_data.add_event('code.failed', null, (select a.account_id from mcp_data.accounts a where a.email = c.email),
      t.client_id, t.server_id, null, null, p_request);
    if c.attempts >= c.attempts_allowed then
      return jsonb_build_object('outcome', 'exhausted');
    end if;
    return jsonb_build_object('outcome', 'wrong', 'attempts_left', c.attempts_allowed - c.attempts);
  end if;
  perform mcp_data.give_back_limit('code_failed', mcp_data.code_subject(c.email, c.device_id));
  delete from mcp_data.email_challenges where transaction_id = p_transaction_id;
  v_account := mcp_data.account_of_verified_email(c.email);
  if v_account.disabled_at is not null then
    perform mcp_data.add_event('authorization.failed', 'sign_in_disabled', v_account.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'account_disabled');
  end if;
  v_linked_issuer := mcp_data.link_identity(t, v_account, p_request);
  perform mcp_data.begin_session(v_account.account_id, 'email_code', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', v_account.account_id, 'email', v_account.email,
    'auth_time_seconds', floor(extract(epoch from now()))::bigint, 'page', t.page,
    'linked_issuer', v_linked_issuer, 'devices_forgotten_at_seconds', ceil(extract(epoch from v_account.devices_forgotten_at))::bigint));
end $$;
grant execute on function mcp.verify_email_code(text, bytea[], bytea[], bytea[], bytea, text, jsonb, jsonb, jsonb) to mcp_worker;
