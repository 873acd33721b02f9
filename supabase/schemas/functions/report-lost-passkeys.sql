-- Asks that all passkeys of an account be removed, after a fresh sign-in of any kind: by whoever has lost them, or by a phisher who
-- was told a code (THREATS J22, C7). So nothing happens yet: it waits for p_wait_seconds, its mail says how to stop it, and a sign-in
-- by passkey ends it. After that it can be done for p_confirm_seconds.
-- outcomes: reported {email, reported_at_seconds, removable_at_seconds, lapses_at_seconds} · already_reported · none · not_fresh · sign_in
create or replace function mcp.report_lost_passkeys(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_wait_seconds integer, p_confirm_seconds integer, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  perform from mcp_data.accounts a where a.account_id = v_person.account_id for no key update;
  if not exists (select from mcp_data.passkeys p where p.account_id = v_person.account_id) then
    return jsonb_build_object('outcome', 'none');
  end if;
  insert into mcp_data.lost_passkeys as l (account_id, removable_at, lapses_at)
  values (v_person.account_id, now() + make_interval(secs => p_wait_seconds), now() + make_interval(secs => p_wait_seconds + p_confirm_seconds))
  on conflict (account_id) do update
  set reported_at = excluded.reported_at, removable_at = excluded.removable_at, lapses_at = excluded.lapses_at where l.lapses_at <= now();
  if not found then
    return jsonb_build_object('outcome', 'already_reported');
  end if;
  perform mcp_data.add_event('passkey.removal_requested', null, v_person.account_id, null, null, null, null, p_request);
  return jsonb_build_object('outcome', 'reported', 'email', v_person.email) || mcp_data.describe_lost_passkeys(v_person.account_id);
end $$;
grant execute on function mcp.report_lost_passkeys(bytea[], integer, integer, integer, integer, jsonb) to mcp_worker;
