-- An owner's limits at registration (SECURITY "Limits", J24): live servers, and changes an hour. Internal. Null: within them.
create or replace function mcp_data.check_server_limits(p_account_id uuid, p_limits jsonb, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_wait integer;
begin
  -- Locks the account, so that parallel registrations are counted one after the other.
  perform from mcp_data.accounts where account_id = p_account_id for no key update;
  if (p_limits->>'servers')::integer <= (
    select count(*) from mcp_data.servers s where s.owner_account_id = p_account_id and s.status <> 'deleted') then
    perform mcp_data.tell_limit('servers', p_account_id, null, p_request);
    return jsonb_build_object('outcome', 'limited', 'reason', 'servers');
  end if;
  v_wait := mcp_data.take_limit('owner_write', p_account_id::text, array[3600], array[coalesce((p_limits->>'writes_per_hour')::integer, 60)]);
  if v_wait > 0 then
    return jsonb_build_object('outcome', 'limited', 'reason', 'writes_per_hour', 'retry_after_seconds', v_wait);
  end if;
  return null;
end $$;
