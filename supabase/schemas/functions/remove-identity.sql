-- Unlinks an account elsewhere, after a fresh sign-in (THREATS J22); a code links it again.
-- outcomes: removed {email, issuer} · not_found · not_fresh · sign_in
create or replace function mcp.remove_identity(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_identity_id uuid, p_request jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_issuer text;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  delete from mcp_data.identities i where i.identity_id = p_identity_id and i.account_id = v_person.account_id returning i.issuer into v_issuer;
  if not found then
    return jsonb_build_object('outcome', 'not_found');
  end if;
  perform mcp_data.add_event('identity.removed', null, v_person.account_id, null, null, null, jsonb_build_object('issuer', v_issuer), p_request);
  return jsonb_build_object('outcome', 'removed', 'email', v_person.email, 'issuer', v_issuer);
end $$;
grant execute on function mcp.remove_identity(bytea[], integer, integer, uuid, jsonb) to mcp_worker;
