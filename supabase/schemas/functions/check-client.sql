-- Whether the client of a snapshot may act (M12): a pre-registered one by its row, others by the list of blocked ones. Internal.
create or replace function mcp_data.check_client(p_client jsonb, out can_refresh boolean, out refusal text)
language plpgsql stable set search_path = '' as $$
declare
  v_blocked_at timestamptz;
begin
  can_refresh := coalesce(p_client->'grant_types' ? 'refresh_token', true);
  if exists (select from mcp_data.blocked_clients b
    where b.client_id_digest = sha256(convert_to(p_client->>'client_id', 'UTF8'))) then
    refusal := 'client_blocked';
  elsif p_client->>'kind' = 'pre_registered' then
    select 'refresh_token' = any(c.grant_types), c.blocked_at into can_refresh, v_blocked_at
    from mcp_data.clients c where c.client_id = p_client->>'client_id';
    refusal := case when not found then 'client_unknown' when v_blocked_at is not null then 'client_blocked' end;
  end if;
end $$;
