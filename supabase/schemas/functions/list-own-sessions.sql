-- A person's live sessions, the last used first (SECURITY §9); the caller's own is `current`.
-- outcomes: found {email, sessions} · sign_in
create or replace function mcp.list_own_sessions(p_session_digests bytea[], p_session_idle_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  return jsonb_build_object('outcome', 'found', 'email', v_person.email, 'sessions', (
    select coalesce(jsonb_agg(mcp_data.describe_session(s, v_person.session_id) order by s.last_used_at desc, s.session_id), '[]')
    from (select * from mcp_data.sessions x
      where x.account_id = v_person.account_id and x.ended_at is null and x.expires_at > now()
        and x.last_used_at > now() - make_interval(secs => p_session_idle_seconds)
      order by x.last_used_at desc limit 100) s));
end $$;
grant execute on function mcp.list_own_sessions(bytea[], integer) to mcp_worker;
