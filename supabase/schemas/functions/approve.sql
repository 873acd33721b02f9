-- Makes the connection of an approved transaction; it holds the authorization code (SECURITY §2, §3). Internal.
create or replace function mcp_data.approve(p_transaction mcp_data.transactions, p_scopes text[], p_account_id uuid, p_auth_time timestamptz,
  p_auth_method text, p_consented_at timestamptz, p_connection_id text, p_code_digest bytea, p_kid text, p_lifetimes jsonb, p_request jsonb)
returns jsonb
language plpgsql set search_path = '' as $$
declare
  t alias for p_transaction;
begin
  insert into mcp_data.connections (connection_id, account_id, client_id, client_id_digest, client, client_kind, can_refresh,
    redirect_uri, resource, requested_resource, resource_kind, server_id, scopes, email_shared, issuer_epoch, auth_time,
    auth_method, nonce, consented_at, code_digest, code_kid, code_challenge, code_expires_at, refresh_idle_seconds,
    refresh_idle_expires_at, refresh_expires_at, client_keys, user_agent, country, transaction_id)
  select p_connection_id, p_account_id, t.client_id, sha256(convert_to(t.client_id, 'UTF8')), t.client, t.client->>'kind',
    t.can_refresh, t.redirect_uri, t.resource, t.requested_resource, t.resource_kind, t.server_id, p_scopes,
    coalesce((select s.share_email from mcp_data.servers s where s.server_id = t.server_id), true) and coalesce(t.email_is_shared, true), e.issuer_epoch,
    p_auth_time, p_auth_method, t.nonce, p_consented_at, p_code_digest, p_kid, t.code_challenge,
    now() + make_interval(secs => (p_lifetimes->>'code_seconds')::integer), (p_lifetimes->>'refresh_idle_seconds')::integer,
    now() + make_interval(secs => (p_lifetimes->>'refresh_idle_seconds')::integer), now() + make_interval(secs => t.access_seconds),
    coalesce(mcp_data.text_array(t.client->'key_thumbprints'), '{}'), left(p_request->>'user_agent', 400), left(p_request->>'country', 2),
    t.transaction_id
  from mcp_data.settings e;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'approved', 'redirect_uri', t.redirect_uri, 'state', t.state,
    'client', t.client, 'scopes', to_jsonb(p_scopes)));
end $$;
