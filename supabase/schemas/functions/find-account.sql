-- The account that an operator names by its id or its e-mail, locked; else an empty row. Internal.
create or replace function mcp_data.find_account(p_user text) returns mcp_data.accounts
language plpgsql set search_path = '' as $$
declare
  a mcp_data.accounts;
begin
  select * into a from mcp_data.accounts x where x.account_id::text = lower(p_user) or x.email = lower(p_user) for update;
  return a;
end $$;
