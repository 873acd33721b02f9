-- Deletes a person's account after a fresh sign-in (J22, M18): connections and sessions go with it, servers it owns end as if deleted
-- one by one. What stays is in the audit log, under the account's id and without the e-mail.
-- outcomes: deleted {email, language?} · not_fresh · sign_in
create or replace function mcp.delete_own_account(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  a mcp_data.accounts;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  a := mcp_data.end_account(v_person.account_id, null, p_request);
  if a.account_id is null then
    return jsonb_build_object('outcome', 'sign_in');
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'deleted', 'email', a.email, 'language', a.language));
end $$;
grant execute on function mcp.delete_own_account(bytea[], integer, integer, jsonb) to mcp_worker;
