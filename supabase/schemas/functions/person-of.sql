-- Who uses one of our own pages: the person behind a session's cookie (SECURITY §9). Internal. The refusal is a whole answer:
-- sign_in for nobody, not_fresh for a sign-in that is too old for a dangerous act (J22; p_fresh_seconds null: any is enough).
create or replace function mcp_data.person_of(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  out session_id uuid, out account_id uuid, out email text, out refusal jsonb)
language plpgsql set search_path = '' as $$
declare
  v_session record;
begin
  v_session := mcp_data.session_of(p_session_digests, p_session_idle_seconds);
  session_id := v_session.session_id;
  account_id := v_session.account_id;
  email := v_session.email;
  refusal := case
    when session_id is null then jsonb_build_object('outcome', 'sign_in')
    when v_session.auth_time < now() - make_interval(secs => p_fresh_seconds) then jsonb_build_object('outcome', 'not_fresh') end;
end $$;
