-- Signs a person in whose passkey has answered, or writes down that an answer was wrong (SECURITY §9; B6; WebAuthn Level 3 §7.2,
-- steps 22 to 24). p_proof is what the Worker verified, null with a reason when the answer was wrong. A counter that does not
-- grow is that of a copy, and is looked at once more under the lock: two answers of one moment are both told otherwise. Whoever has
-- said that the passkeys are lost was wrong, and is told; both are decided under the lock of the account.
-- outcomes: verified {account_id, email, page?, devices_forgotten_at_seconds?, report_ended?} · refused · passkey_unknown · account_disabled ·
--   transaction_gone {reason}
create or replace function mcp.verify_passkey(p_transaction_id text, p_browser_digests bytea[], p_passkey_id text, p_proof jsonb, p_reason text,
  p_old_session_digests bytea[], p_session_digest bytea, p_kid text, p_lifetimes jsonb, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  p mcp_data.passkeys;
  a mcp_data.accounts;
  v_gone jsonb;
  v_reason text := p_reason;
  v_report_ended boolean;
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  end if;
  -- Locked as by everything else: transaction, session, account.
  perform from mcp_data.sessions s where s.session_digest = any(p_old_session_digests) for no key update;
  perform from mcp_data.accounts x where x.account_id = (
    select k.account_id from mcp_data.passkeys k where k.passkey_id = p_passkey_id) for no key update;
  select * into p from mcp_data.passkeys x where x.passkey_id = p_passkey_id for update;
  if not found then
    return jsonb_build_object('outcome', 'passkey_unknown');
  end if;
  select * into strict a from mcp_data.accounts x where x.account_id = p.account_id;
  if p_proof is not null and greatest((p_proof->>'sign_count')::bigint, p.sign_count) > 0
    and (p_proof->>'sign_count')::bigint <= p.sign_count then
    v_reason := 'counter';
  end if;
  if p_proof is null or v_reason is not null then
    perform mcp_data.add_event('passkey.failed', v_reason, p.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'refused');
  end if;
  if a.disabled_at is not null then
    perform mcp_data.add_event('authorization.failed', 'sign_in_disabled', a.account_id, t.client_id, t.server_id, null, null, p_request);
    return jsonb_build_object('outcome', 'account_disabled');
  end if;
  update mcp_data.passkeys x set sign_count = (p_proof->>'sign_count')::bigint, last_used_at = now(),
    is_backed_up = x.is_backup_eligible and (p_proof->>'backed_up')::boolean
  where x.passkey_id = p_passkey_id;
  v_report_ended := mcp_data.end_lost_passkeys(a.account_id, 'passkey_used', p_request);
  perform mcp_data.begin_session(a.account_id, 'passkey', t, p_old_session_digests, p_session_digest, p_kid, p_lifetimes, p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'verified', 'account_id', a.account_id, 'email', a.email, 'page', t.page,
    'devices_forgotten_at_seconds', ceil(extract(epoch from a.devices_forgotten_at))::bigint,
    'report_ended', nullif(v_report_ended, false)));
end $$;
grant execute on function mcp.verify_passkey(text, bytea[], text, jsonb, text, bytea[], bytea, text, jsonb, jsonb) to mcp_worker;
