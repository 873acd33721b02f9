-- What the sign-in page shows of a sign-in for one of our own pages. Internal. An e-mail: somebody is signed in, but not freshly
-- enough, and is asked again.
create or replace function mcp_data.show_page_transaction(p_transaction mcp_data.transactions, p_email text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('transaction_id', p_transaction.transaction_id, 'page', p_transaction.page,
    'email', p_email, 'passkey_round', p_transaction.passkey_round,
    'wants_fresh_sign_in', p_transaction.minimum_auth_time is not null,
    'needs_passkey', p_transaction.needs_passkey));
end $$;
