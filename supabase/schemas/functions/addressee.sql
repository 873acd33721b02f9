-- Where mail for an account goes, and in which language; null when there is none. Internal.
create or replace function mcp_data.addressee(p_account_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_strip_nulls(jsonb_build_object('email', a.email, 'language', a.language))
    from mcp_data.accounts a where a.account_id = p_account_id);
end $$;
