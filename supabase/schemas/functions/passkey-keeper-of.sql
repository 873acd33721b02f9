-- Who changes the passkeys of an account (THREATS J22, C7): as person_of, after a fresh sign-in, and by passkey where there is one to
-- guard: a code that somebody was talked out of neither adds one nor takes one away. Internal. p_guarded: 'any' passkey, or 'settled'
-- ones alone. Locked as a sign-in locks them, session and account: what is decided here holds until it is done.
create or replace function mcp_data.passkey_keeper_of(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_guarded text, out session_id uuid, out account_id uuid, out email text, out refusal jsonb)
language plpgsql set search_path = '' as $$
declare
  v_session record;
  v_is_fresh boolean;
begin
  v_session := mcp_data.session_of(p_session_digests, p_session_idle_seconds);
  perform from mcp_data.sessions s where s.session_id = v_session.session_id for no key update;
  perform from mcp_data.accounts a where a.account_id = v_session.account_id for no key update;
  if not found then
    refusal := jsonb_build_object('outcome', 'sign_in');
    return;
  end if;
  session_id := v_session.session_id;
  account_id := v_session.account_id;
  email := v_session.email;
  v_is_fresh := v_session.auth_time >= now() - make_interval(secs => p_fresh_seconds);
  refusal := case
    when not (v_is_fresh and v_session.auth_method = 'passkey') and exists (
      select from mcp_data.passkeys p where p.account_id = v_session.account_id and (p_guarded = 'any' or p.settles_at <= now()))
      then jsonb_build_object('outcome', 'not_fresh', 'by', 'passkey')
    when not v_is_fresh then jsonb_build_object('outcome', 'not_fresh') end;
end $$;
