-- Links the account elsewhere that a transaction waits with, now that a code has proven the address it has there. Internal. A code
-- to another address links nothing, and what is linked already stays where it is. Gives the issuer of what was linked, or null.
create or replace function mcp_data.link_identity(p_transaction mcp_data.transactions, p_account mcp_data.accounts, p_request jsonb) returns text
language plpgsql set search_path = '' as $$
declare
  v_pending jsonb := p_transaction.pending_identity;
begin
  if v_pending is null or v_pending->>'email' <> p_account.email then
    return null;
  end if;
  insert into mcp_data.identities (issuer, subject, account_id, email, last_used_at)
  values (v_pending->>'issuer', v_pending->>'subject', p_account.account_id, v_pending->>'email', now())
  on conflict (issuer, subject) do nothing;
  if not found then
    return null;
  end if;
  perform mcp_data.add_event('identity.linked', null, p_account.account_id, p_transaction.client_id, p_transaction.server_id, null,
    jsonb_build_object('issuer', v_pending->>'issuer'), p_request);
  return v_pending->>'issuer';
end $$;
