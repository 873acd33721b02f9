-- Removes all passkeys of an account, once those who could say that they are not lost have had their time, after a fresh sign-in of
-- any kind (THREATS J22). The account's row is locked first, as by a sign-in with a passkey: either that ends the wait, or it finds no
-- passkey any more.
-- outcomes: removed {email} · not_due · not_fresh · sign_in
create or replace function mcp.remove_lost_passkeys(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_count integer;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  perform from mcp_data.accounts a where a.account_id = v_person.account_id for no key update;
  delete from mcp_data.lost_passkeys l where l.account_id = v_person.account_id and now() >= l.removable_at and now() < l.lapses_at;
  if not found then
    return jsonb_build_object('outcome', 'not_due');
  end if;
  delete from mcp_data.passkeys p where p.account_id = v_person.account_id;
  get diagnostics v_count = row_count;
  perform mcp_data.add_event('passkey.removed', 'lost', v_person.account_id, null, null, null, jsonb_build_object('passkeys', v_count), p_request);
  return jsonb_build_object('outcome', 'removed', 'email', v_person.email);
end $$;
grant execute on function mcp.remove_lost_passkeys(bytea[], integer, integer, jsonb) to mcp_worker;
