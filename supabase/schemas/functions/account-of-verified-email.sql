-- The account of an e-mail that was just verified, made if there is none (ARCHITECTURE decision 7). Internal.
-- A Supabase user with that confirmed e-mail gives the id; if it has an account under an earlier e-mail, it moves with the user.
create or replace function mcp_data.account_of_verified_email(p_email text) returns mcp_data.accounts
language plpgsql set search_path = '' as $$
declare
  v_account mcp_data.accounts;
begin
  select * into v_account from mcp_data.accounts where email = p_email;
  if found then
    return v_account;
  end if;
  insert into mcp_data.accounts as a (account_id, email, email_verified_at)
  values (coalesce(mcp_data.find_auth_user(p_email), gen_random_uuid()), p_email, now())
  on conflict (account_id) do update set email = excluded.email, email_verified_at = excluded.email_verified_at
  returning * into v_account;
  return v_account;
exception when unique_violation then
  -- Another call made it meanwhile.
  select * into strict v_account from mcp_data.accounts where email = p_email;
  return v_account;
end $$;
