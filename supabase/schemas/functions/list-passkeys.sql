-- A person's passkeys and linked accounts elsewhere, the oldest first; until when a code is enough to remove passkeys, and whether
-- somebody has said that all of them are lost.
-- outcomes: found {email, passkeys, identities, settles_at_seconds?, lost?} · sign_in
create or replace function mcp.list_passkeys(p_session_digests bytea[], p_session_idle_seconds integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_person record;
begin
  v_person := mcp_data.person_of(p_session_digests, p_session_idle_seconds, null);
  if v_person.refusal is not null then
    return v_person.refusal;
  end if;
  return jsonb_strip_nulls(jsonb_build_object('outcome', 'found', 'email', v_person.email, 'passkeys', (
    select coalesce(jsonb_agg(mcp_data.describe_passkey(p) order by p.created_at, p.passkey_id), '[]')
    from mcp_data.passkeys p where p.account_id = v_person.account_id),
    'identities', (select coalesce(jsonb_agg(mcp_data.describe_identity(i) order by i.linked_at, i.identity_id), '[]')
    from mcp_data.identities i where i.account_id = v_person.account_id),
    'settles_at_seconds', (select floor(extract(epoch from min(p.settles_at)))::bigint from mcp_data.passkeys p
    where p.account_id = v_person.account_id having min(p.settles_at) > now()),
    'lost', mcp_data.describe_lost_passkeys(v_person.account_id)));
end $$;
grant execute on function mcp.list_passkeys(bytea[], integer) to mcp_worker;
