-- Uses up the passkey challenge of a transaction, and gives the passkey that is said to answer it (WebAuthn Level 3 §7.2, steps 5
-- and 6). Before anything is verified: an answer counts once, whatever comes of it. A call of its own, because the signature is
-- verified in the Worker and nobody knows whose key is needed before the answer has come.
-- outcomes: taken {passkey_round, passkey {passkey_id, account_id, credential_id, public_key, sign_count}} · passkey_unknown · transaction_gone {reason}
create or replace function mcp.take_passkey_challenge(p_transaction_id text, p_browser_digests bytea[], p_credential_id text,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  t mcp_data.transactions;
  p mcp_data.passkeys;
  v_gone jsonb;
begin
  p_request := coalesce(p_request, '{}') || jsonb_build_object('transaction_id', p_transaction_id);
  select * into t from mcp_data.transactions where transaction_id = p_transaction_id for update;
  v_gone := mcp_data.refuse_transaction(t, p_browser_digests, p_request);
  if v_gone is not null then
    return v_gone;
  end if;
  update mcp_data.transactions x set passkey_round = x.passkey_round + 1 where x.transaction_id = p_transaction_id;
  select * into p from mcp_data.passkeys x where x.credential_id = p_credential_id;
  if not found then
    return jsonb_build_object('outcome', 'passkey_unknown');
  end if;
  return jsonb_build_object('outcome', 'taken', 'passkey_round', t.passkey_round, 'passkey', jsonb_build_object(
    'passkey_id', p.passkey_id, 'account_id', p.account_id, 'credential_id', p.credential_id, 'public_key', p.public_key::text,
    'sign_count', p.sign_count));
end $$;
grant execute on function mcp.take_passkey_challenge(text, bytea[], text, jsonb) to mcp_worker;
