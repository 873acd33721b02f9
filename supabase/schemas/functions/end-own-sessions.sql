-- Signs a person out (SECURITY §9; B9): of `one` other session, of all `others`, or of `all`. More than one means that somebody may
-- have been where they should not: then no device counts as known any more (C7, C18).
-- outcomes: ended {count} · not_found · sign_in
create or replace function mcp.end_own_sessions(p_session_digests bytea[], p_session_idle_seconds integer, p_session_id uuid,
  p_extent text, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_session_id uuid;
  v_count integer := 0;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  -- Locked in one order; of two that end each other's session at once, the second finds its own ended.
  perform from mcp_data.sessions s where s.account_id = v_person.account_id and s.ended_at is null order by s.session_id for update;
  if not exists (select from mcp_data.sessions s where s.session_id = v_person.session_id and s.ended_at is null) then
    return jsonb_build_object('outcome', 'sign_in');
  end if;
  for v_session_id in
    update mcp_data.sessions s set ended_at = now()
    where s.account_id = v_person.account_id and s.ended_at is null and s.expires_at > now() and case p_extent
      when 'one' then s.session_id = p_session_id
      when 'others' then s.session_id <> v_person.session_id
      else p_extent = 'all' end
    returning s.session_id
  loop
    perform mcp_data.add_event('session.ended', case p_extent when 'one' then 'ended_elsewhere' else 'signed_out_everywhere' end,
      v_person.account_id, null, null, null, null, p_request);
    v_count := v_count + 1;
  end loop;
  if p_extent = 'one' and v_count = 0 then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  if p_extent <> 'one' then
    update mcp_data.accounts set devices_forgotten_at = now() where account_id = v_person.account_id;
  end if;
  return jsonb_build_object('outcome', 'ended', 'count', v_count);
end $$;
grant execute on function mcp.end_own_sessions(bytea[], integer, uuid, text, jsonb) to mcp_worker;
