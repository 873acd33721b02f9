-- Gives a server to an account (J24), as accepting an offer does: its management tokens and webhooks end; its API keys where `keys` is
-- `revoke`. Internal.
-- outcomes: transferred {server, from?} · own_account · no_account · account_disabled · not_found
create or replace function mcp_data.operate_transfer_server(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  s mcp_data.servers := mcp_data.find_server(p_arguments->>'server');
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
begin
  if s.server_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif a.account_id is null then
    return jsonb_build_object('outcome', 'no_account');
  elsif a.disabled_at is not null then
    return jsonb_build_object('outcome', 'account_disabled');
  elsif s.owner_account_id = a.account_id then
    return jsonb_build_object('outcome', 'own_account');
  end if;
  update mcp_data.servers x set owner_account_id = a.account_id, offered_to_user_id = null, offered_to_email = null
  where x.server_id = s.server_id;
  update mcp_data.management_tokens set revoked_at = now() where server_id = s.server_id and revoked_at is null;
  -- They would tell the former owner what happens here.
  delete from mcp_data.webhooks where server_id = s.server_id;
  if p_arguments->>'keys' = 'revoke' then
    update mcp_data.server_keys set revoked_at = now() where server_id = s.server_id and revoked_at is null;
  end if;
  perform mcp_data.add_event('server.transferred', p_arguments->>'reason', a.account_id, null, s.server_id, null,
    jsonb_strip_nulls(jsonb_build_object('keys_revoked', coalesce(p_arguments->>'keys' = 'revoke', false), 'former_account_id', s.owner_account_id)), p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'transferred', 'server', mcp_data.describe_server(mcp_data.find_server(s.server_id)),
    'from', s.owner_account_id));
end $$;
