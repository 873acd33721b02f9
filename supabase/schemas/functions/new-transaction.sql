-- The row of an authorization request, before it is known whose browser it belongs to. Internal; it writes nothing.
create or replace function mcp_data.new_transaction(p_client jsonb, p_authorization jsonb, p_lifetimes jsonb, p_resource_kind text,
  p_server mcp_data.servers, p_server_scopes text[], p_identity_scopes text[]) returns mcp_data.transactions
language plpgsql stable set search_path = '' as $$
declare
  t mcp_data.transactions;
begin
  t.created_at := now();
  t.needs_passkey := false;
  t.passkey_round := 0;
  t.expires_at := now() + make_interval(secs => (p_lifetimes->>'transaction_seconds')::integer);
  t.client := p_client;
  t.client_id := p_client->>'client_id';
  t.redirect_uri := p_authorization->>'redirect_uri';
  t.redirect_trust := p_authorization->>'redirect_trust';
  t.resource_kind := p_resource_kind;
  t.server_id := p_server.server_id;
  t.resource := case p_resource_kind when 'server' then p_server.server_url
    when 'management' then p_authorization->>'issuer' || '/api' else p_authorization->>'issuer' end;
  t.requested_resource := p_authorization->'resource_candidates'->>0;
  t.requested_scopes := p_server_scopes;
  t.identity_scopes := p_identity_scopes;
  t.required_scopes := case when p_resource_kind = 'server' then array(
    select e->>'name' from jsonb_array_elements(p_server.scopes) e
    where e->>'name' = any(p_server_scopes) and coalesce((e->>'required')::boolean, false)) end;
  t.email_is_shared := coalesce(p_server.share_email, true);
  t.code_challenge := p_authorization->>'code_challenge';
  t.state := p_authorization->>'state';
  t.nonce := p_authorization->>'nonce';
  t.login_hint := p_authorization->>'login_hint';
  -- Nobody knows who stands behind an https redirect that registered itself (SECURITY §20, D12).
  t.access_seconds := case when p_client->>'kind' = 'dynamic' and t.redirect_uri like 'https://%'
    then least((p_lifetimes->>'refresh_absolute_seconds')::integer, coalesce((p_lifetimes->>'refresh_unverified_seconds')::integer, 604800))
    else (p_lifetimes->>'refresh_absolute_seconds')::integer end;
  t.minimum_auth_time := case when p_authorization->'prompt' ? 'login' then now()
    else now() - make_interval(secs => (p_authorization->>'max_age_seconds')::integer) end;
  return t;
end $$;
