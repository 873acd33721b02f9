-- Forgets a passkey, after a fresh sign-in with one (THREATS J22); by any where the account's first passkey is so new that its person
-- may only now be reading that it was made. Who signed in with it stays signed in: sessions end on their own page.
-- outcomes: removed {email, report_ended?} · not_found · not_fresh {by?} · sign_in
create or replace function mcp.remove_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_passkey_id text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_report_ended boolean;
begin
  v_person := mcp_data.passkey_keeper_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds, 'settled');
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  delete from mcp_data.passkeys p where p.passkey_id = p_passkey_id and p.account_id = v_person.account_id;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('passkey.removed', null, v_person.account_id, null, null, null, null, p_request);
  v_report_ended := mcp_data.end_lost_passkeys(v_person.account_id, 'passkey_removed', p_request);
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'removed', 'email', v_person.email, 'report_ended', nullif(v_report_ended, false)));
end $$;
grant execute on function mcp.remove_passkey(bytea[], integer, integer, text, jsonb) to mcp_worker;
