-- Ends what somebody has said of an account's lost passkeys, and says why: a passkey was used, added or removed, or they are kept.
-- Internal. False: there was nothing to end. The caller has locked the account.
create or replace function mcp_data.end_lost_passkeys(p_account_id uuid, p_reason text, p_request jsonb) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_lapses_at timestamptz;
begin
  delete from mcp_data.lost_passkeys l where l.account_id = p_account_id returning l.lapses_at into v_lapses_at;
  if v_lapses_at is null or v_lapses_at <= now() then
    return false;
  end if;
  perform mcp_data.add_event('passkey.removal_cancelled', p_reason, p_account_id, null, null, null, null, p_request);
  return true;
end $$;
