-- Who is signed in, and whether freshly enough where that is asked for (SECURITY §9, J22): for pages that show nothing else.
-- outcomes: found {email} · not_fresh · sign_in
create or replace function mcp.read_person(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  return coalesce(v_person.refusal, jsonb_build_object('outcome', 'found', 'email', v_person.email));
end $$;
grant execute on function mcp.read_person(bytea[], integer, integer) to mcp_worker;
