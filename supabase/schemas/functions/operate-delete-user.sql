-- Deletes an account for good, as its owner could (M18). Internal.
-- outcomes: deleted {account_id, servers, connections} · not_found
create or replace function mcp_data.operate_delete_user(p_arguments jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts;
  v_account_id uuid := (select x.account_id from mcp_data.accounts x
    where x.account_id::text = lower(p_arguments->>'user') or x.email = lower(p_arguments->>'user'));
  v_servers integer := (select count(*) from mcp_data.servers s where s.owner_account_id = v_account_id and s.status <> 'deleted');
  v_connections integer := (select count(*) from mcp_data.live_connections(v_account_id));
begin
  -- Locks in its own order, so it is not locked here.
  a := mcp_data.end_account(v_account_id, coalesce(p_arguments->>'reason', 'operator'), p_request);
  if a.account_id is null then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  return jsonb_build_object('outcome', 'deleted', 'account_id', a.account_id, 'servers', v_servers, 'connections', v_connections);
end $$;
