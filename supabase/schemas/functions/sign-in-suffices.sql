-- Whether a sign-in is enough for a transaction (THREATS B33): fresh enough for its request (OpenID Connect Core §3.1.2.1,
-- prompt and max_age) or page, and of the kind and freshness that the page or the server's owner asks for now. Internal.
-- Measured from when the transaction was opened: nobody is asked again for having read the consent page slowly.
create or replace function mcp_data.sign_in_suffices(p_transaction mcp_data.transactions, p_server mcp_data.servers,
  p_auth_time timestamptz, p_auth_method text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce(p_auth_time >= p_transaction.minimum_auth_time, true)
    and coalesce(p_auth_time >= p_transaction.created_at - make_interval(secs => p_server.sign_in_max_age_seconds), true)
    and (p_auth_method = 'passkey' or not (p_transaction.needs_passkey or coalesce(p_server.requires_passkey, false)));
end $$;
