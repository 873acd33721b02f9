-- Ends what has been said of lost passkeys: they stay. Any session is enough, because it takes nothing away. Whoever waits for the
-- removal is told.
-- outcomes: kept {email} · none · sign_in
create or replace function mcp.keep_passkeys(p_session_digests bytea[], p_session_idle_seconds integer, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  perform from mcp_data.accounts a where a.account_id = v_person.account_id for no key update;
  if not mcp_data.end_lost_passkeys(v_person.account_id, 'kept', p_request) then
    return jsonb_build_object('outcome', 'none');
  end if;
  return jsonb_build_object('outcome', 'kept', 'email', v_person.email);
end $$;
grant execute on function mcp.keep_passkeys(bytea[], integer, jsonb) to mcp_worker;
