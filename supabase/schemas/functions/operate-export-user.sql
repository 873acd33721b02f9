-- Everything that is kept about a person, for an operator who was asked for it; leaves an event that the person sees. Internal.
-- outcomes: exported {account, servers, sessions, connections, events} · not_found
create or replace function mcp_data.operate_export_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts := mcp_data.find_account(p_arguments->>'user');
begin
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('account.exported', p_arguments->>'reason', a.account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'exported') || mcp_data.describe_account(a.account_id, null);
end $$;
