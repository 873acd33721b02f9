-- Calls a passkey by another name.
-- outcomes: renamed · not_found · sign_in
create or replace function mcp.rename_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_passkey_id text, p_name text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  update mcp_data.passkeys p set name = p_name where p.passkey_id = p_passkey_id and p.account_id = v_person.account_id;
  return jsonb_build_object('outcome', case when found then 'renamed' else 'not_found' end);
end $$;
grant execute on function mcp.rename_passkey(bytea[], integer, text, text) to mcp_worker;
