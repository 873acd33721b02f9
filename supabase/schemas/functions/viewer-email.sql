-- Who looks at one of our own pages, so that the page can say so; null for every caller of /api. Internal.
create or replace function mcp_data.viewer_email(p_caller jsonb, p_account_id uuid) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case when p_caller->>'kind' = 'session'
    then (select a.email from mcp_data.accounts a where a.account_id = p_account_id) end;
end $$;
