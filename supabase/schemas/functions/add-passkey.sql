-- Keeps a passkey that the Worker has verified (WebAuthn Level 3 §7.1, steps 26 and 27). The challenge is used up first: it is the
-- session's newest, or nothing is kept. A credential belongs to one account for good. Where there is a passkey, a fresh sign-in with it
-- is asked for; the first one can be taken away with a code for p_wait_seconds, in case the code was a phisher's.
-- outcomes: added {email, settles_at_seconds?, report_ended?} · challenge_gone · already_known · full · not_fresh {by?} · sign_in
create or replace function mcp.add_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_challenge_digests bytea[], p_passkey jsonb, p_maximum integer, p_request jsonb default null,
  p_wait_seconds integer default 259200) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_settles_at timestamptz;
  v_report_ended boolean;
begin
  v_person := mcp_data.passkey_keeper_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds, 'any');
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  update mcp_data.sessions s set passkey_challenge_digest = null
  where s.session_id = v_person.session_id and s.passkey_challenge_digest = any(p_challenge_digests);
  if not found then
    return jsonb_build_object('outcome', 'challenge_gone');
  end if;
  -- The account is locked: two at once are counted one after the other.
  if p_maximum <= (select count(*) from mcp_data.passkeys p where p.account_id = v_person.account_id) then
    return jsonb_build_object('outcome', 'full');
  end if;
  select coalesce(min(p.settles_at), now() + make_interval(secs => p_wait_seconds)) into v_settles_at
  from mcp_data.passkeys p where p.account_id = v_person.account_id;
  insert into mcp_data.passkeys (passkey_id, account_id, credential_id, public_key, sign_count, transports, is_backup_eligible, is_backed_up, name,
    settles_at)
  values (p_passkey->>'passkey_id', v_person.account_id, p_passkey->>'credential_id', (p_passkey->>'public_key')::bytea,
    (p_passkey->>'sign_count')::bigint, mcp_data.text_array(p_passkey->'transports'), (p_passkey->>'backup_eligible')::boolean,
    (p_passkey->>'backed_up')::boolean, p_passkey->>'name', v_settles_at)
  on conflict (credential_id) do nothing;
  if not found then
    return jsonb_build_object('outcome', 'already_known');
  end if;
  perform mcp_data.add_event('passkey.added', null, v_person.account_id, null, null, null, null, p_request);
  v_report_ended := mcp_data.end_lost_passkeys(v_person.account_id, 'passkey_added', p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'added', 'email', v_person.email,
    'settles_at_seconds', case when v_settles_at > now() then floor(extract(epoch from v_settles_at))::bigint end,
    'report_ended', nullif(v_report_ended, false)));
end $$;
grant execute on function mcp.add_passkey(bytea[], integer, integer, bytea[], jsonb, integer, jsonb, integer) to mcp_worker;
