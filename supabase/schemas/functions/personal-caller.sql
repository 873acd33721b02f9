-- The account behind a personal token (J19). Internal. No row: it never was, is revoked, has expired, or its account is disabled.
-- The last use is written at most once a minute.
create or replace function mcp_data.personal_caller(p_caller jsonb) returns table (account_id uuid, scopes text[])
language plpgsql rows 1 set search_path = '' as $$
declare
  t mcp_data.personal_tokens;
begin
  select x.* into t from mcp_data.personal_tokens x
  join mcp_data.accounts a on a.account_id = x.account_id
  cross join mcp_data.settings e
  where x.token_id = p_caller->>'token_id' and x.revoked_at is null and x.expires_at > now() and x.issuer_epoch = e.issuer_epoch
    and a.disabled_at is null and x.token_digest in (select d::bytea from unnest(mcp_data.text_array(p_caller->'digests')) d);
  if not found then
    return;
  end if;
  if t.last_used_at is null or t.last_used_at < now() - interval '1 minute' then
    update mcp_data.personal_tokens x set last_used_at = now() where x.token_id = t.token_id;
  end if;
  return query select t.account_id, t.scopes;
end $$;
