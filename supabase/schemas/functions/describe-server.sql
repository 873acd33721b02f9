-- A server as its owner sees it. Internal.
create or replace function mcp_data.describe_server(s mcp_data.servers) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('server_id', s.server_id, 'server_url', s.server_url, 'server_name', s.server_name,
    'description', s.description, 'logo_url', s.logo_url, 'scopes', mcp_data.requested_catalogue(s.scopes, s.scope_names),
    'status', s.status, 'created_at_seconds', floor(extract(epoch from s.created_at))::bigint,
    'verified_at_seconds', floor(extract(epoch from s.verified_at))::bigint, 'token_lifetime_seconds', s.token_lifetime_seconds,
    'share_email', s.share_email, 'client_policy', s.client_policy, 'requires_passkey', s.requires_passkey,
    'sign_in_max_age_seconds', s.sign_in_max_age_seconds, 'owner', s.owner_account_id is not null,
    'proof', nullif(jsonb_strip_nulls(jsonb_build_object('method', case when s.status = 'verified' then nullif(s.proof_method, 'loopback') end,
      'checked_at_seconds', floor(extract(epoch from s.proof_checked_at))::bigint,
      'failing_since_seconds', floor(extract(epoch from s.proof_failing_since))::bigint, 'seen', s.proof_seen)), '{}'),
    'offered_to', coalesce(s.offered_to_email, s.offered_to_user_id)));
end $$;
