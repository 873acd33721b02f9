-- Enables an account again: its connections work as before; it signs in anew. Internal.
-- outcomes: enabled {account_id} · not_disabled · not_found
create or replace function mcp_data.operate_enable_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  elsif a.disabled_at is null then
    return jsonb_build_object('outcome', 'not_disabled');
  end if;
  update mcp_data.accounts x set disabled_at = null, disabled_reason = null where x.account_id = a.account_id;
  perform mcp_data.add_event('account.enabled', p_arguments->>'reason', a.account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'enabled', 'account_id', a.account_id);
end $$;
