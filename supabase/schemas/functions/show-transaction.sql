-- What the sign-in and consent pages show of a transaction. Internal. No e-mail given: nobody is signed in.
create or replace function mcp_data.show_transaction(p_transaction mcp_data.transactions, p_account_id uuid, p_email text, p_auth_time timestamptz)
returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  t alias for p_transaction;
  s mcp_data.servers;
  v_server jsonb;
  v_connected text[];
begin
  if t.resource_kind = 'management' then
    v_server := jsonb_build_object('server_id', null, 'server_name', 'Auth-Agent MCP management', 'server_url', t.resource,
      'share_email', true, 'client_policy', 'any', 'scopes', mcp_data.requested_catalogue(mcp_data.management_scopes(), t.requested_scopes));
  elsif t.resource_kind = 'server' then
    select * into s from mcp_data.servers where server_id = t.server_id;
    v_server := jsonb_strip_nulls(jsonb_build_object('server_id', s.server_id, 'server_name', s.server_name,
      'server_url', s.server_url, 'description', s.description, 'share_email', s.share_email and coalesce(t.email_is_shared, true), 'client_policy', s.client_policy,
      'requires_passkey', s.requires_passkey, 'scopes', mcp_data.requested_catalogue(s.scopes, t.requested_scopes, t.required_scopes)));
  end if;
  if p_account_id is not null then
    -- The port of a loopback redirect changes with every run of a client (RFC 8252 §7.3).
    select c.scopes into v_connected from mcp_data.connections c
    where c.account_id = p_account_id and c.server_id is not distinct from t.server_id and c.resource = t.resource
      and c.client_id = t.client_id and c.revoked_at is null and c.code_redeemed_at is not null
      and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now()
      and mcp_data.without_loopback_port(c.redirect_uri) = mcp_data.without_loopback_port(t.redirect_uri)
    order by c.created_at desc limit 1;
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'transaction_id', t.transaction_id, 'expires_at_seconds', floor(extract(epoch from t.expires_at))::bigint,
    'client', t.client, 'redirect_uri', t.redirect_uri, 'resource', t.resource, 'login_hint', t.login_hint, 'state', t.state,
    'identity_scopes', t.identity_scopes, 'auth_time_seconds', floor(extract(epoch from p_auth_time))::bigint,
    'step_up', v_connected is not null and not (t.requested_scopes || t.identity_scopes) <@ v_connected,
    'connected_scopes', coalesce(v_connected, '{}'), 'access_seconds', t.access_seconds, 'passkey_round', t.passkey_round,
    'wants_fresh_sign_in', t.minimum_auth_time is not null or s.sign_in_max_age_seconds is not null))
    || jsonb_build_object('server', v_server, 'account', case when p_account_id is not null
      then jsonb_build_object('account_id', p_account_id, 'email', p_email) end);
end $$;
