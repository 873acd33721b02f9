-- Answers a refused API key (H7). An event only where the secret was right, and at most once an hour and key, so that a
-- forgotten deployment writes no flood. Internal.
create or replace function mcp_data.refuse_key(p_key_id text, p_reason text, p_request jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_server_id text;
begin
  if p_reason <> 'key_unknown' and current_setting('transaction_read_only') = 'off' then
    update mcp_data.server_keys set last_refused_at = now()
    where key_id = p_key_id and (last_refused_at is null or last_refused_at < now() - interval '1 hour')
    returning server_id into v_server_id;
    if found then
      perform mcp_data.add_event('key.refused', p_reason, null, null, v_server_id, null, jsonb_build_object('key_id', p_key_id), p_request);
    end if;
  end if;
  return jsonb_build_object('outcome', 'key_refused', 'reason', p_reason);
end $$;
