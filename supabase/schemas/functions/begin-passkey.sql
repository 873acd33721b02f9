-- Begins to make a passkey, after a fresh sign-in, which is by passkey where there is one already (THREATS J22; WebAuthn Level 3 §7.1):
-- the session keeps the digest of the newest challenge. The person's other passkeys are told, so that an authenticator makes no second
-- one.
-- outcomes: begun {account_id, email, credentials} · full {email} · not_fresh {by?} · sign_in
create or replace function mcp.begin_passkey(p_session_digests bytea[], p_session_idle_seconds integer, p_fresh_seconds integer,
  p_challenge_digest bytea, p_maximum integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
  v_credentials jsonb;
begin
  v_person := mcp_data.passkey_keeper_of(p_session_digests, p_session_idle_seconds, p_fresh_seconds, 'any');
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  select coalesce(jsonb_agg(jsonb_build_object('id', p.credential_id, 'transports', to_jsonb(p.transports)) order by p.created_at), '[]')
    into v_credentials from mcp_data.passkeys p where p.account_id = v_person.account_id;
  if jsonb_array_length(v_credentials) >= p_maximum then
    return jsonb_build_object('outcome', 'full', 'email', v_person.email);
  end if;
  update mcp_data.sessions s set passkey_challenge_digest = p_challenge_digest where s.session_id = v_person.session_id;
  return jsonb_build_object('outcome', 'begun', 'account_id', v_person.account_id, 'email', v_person.email, 'credentials', v_credentials);
end $$;
grant execute on function mcp.begin_passkey(bytea[], integer, integer, bytea, integer) to mcp_worker;
