-- The live session behind a cookie (SECURITY §9), by any of the digests of the presented value. Internal.
-- Idle and absolute limits by the database's clock; the last use is written at most once a minute.
create or replace function mcp_data.session_of(p_session_digests bytea[], p_idle_seconds integer,
  out session_id uuid, out account_id uuid, out email text, out auth_time timestamptz, out auth_method text)
language plpgsql set search_path = '' set enable_seqscan = off as $$
declare
  v_last_used_at timestamptz;
begin
  select s.session_id, s.account_id, a.email, s.auth_time, s.auth_method, s.last_used_at
    into session_id, account_id, email, auth_time, auth_method, v_last_used_at
  from mcp_data.sessions s join mcp_data.accounts a on a.account_id = s.account_id
  where s.session_digest = any(p_session_digests) and s.ended_at is null and s.expires_at > now()
    and s.last_used_at > now() - make_interval(secs => p_idle_seconds) and a.disabled_at is null
  limit 1;
  if v_last_used_at < now() - interval '1 minute' then
    update mcp_data.sessions s set last_used_at = now() where s.session_id = session_of.session_id;
  end if;
end $$;
