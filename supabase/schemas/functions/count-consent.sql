-- At most 10 consent decisions a minute and session (SECURITY "Limits"). Internal. Null: counted.
create or replace function mcp_data.count_consent(p_session_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  v_count integer;
  v_window_at timestamptz;
begin
  update mcp_data.sessions s set
    consents_in_window = case when s.consent_window_at > now() - interval '1 minute' then s.consents_in_window + 1 else 1 end,
    consent_window_at = case when s.consent_window_at > now() - interval '1 minute' then s.consent_window_at else now() end
  where s.session_id = p_session_id
  returning s.consents_in_window, s.consent_window_at into v_count, v_window_at;
  if v_count <= 10 then
    return null;
  end if;
  return jsonb_build_object('outcome', 'limited',
    'retry_after_seconds', greatest(1, ceil(extract(epoch from v_window_at + interval '1 minute' - now()))::integer));
end $$;
