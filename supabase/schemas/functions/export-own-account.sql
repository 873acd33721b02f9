-- Everything that is kept about a person, for the person: account, servers, sessions, connections, and the newest 5000 events.
-- outcomes: exported {account, servers, sessions, connections, events} · sign_in
create or replace function mcp.export_own_account(p_session_digests bytea[], p_session_idle_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  return jsonb_build_object('outcome', 'exported') || mcp_data.describe_account(v_person.account_id, v_person.session_id);
end $$;
grant execute on function mcp.export_own_account(bytea[], integer) to mcp_worker;
