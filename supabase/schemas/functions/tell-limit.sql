-- Writes that an owner has reached a limit (J24), ten times an hour at most: whoever asks again and again writes nothing more (M8).
-- Internal.
create or replace function mcp_data.tell_limit(p_reason text, p_account_id uuid, p_server_id text, p_request jsonb) returns void
language plpgsql set search_path = '' as $$
begin
  if mcp_data.take_limit('limit_told', p_reason || ':' || coalesce(p_server_id, p_account_id::text), array[3600], array[10]) = 0 then
    perform mcp_data.add_event('limit.hit', p_reason, p_account_id, null, p_server_id, null, null, p_request);
  end if;
end $$;
