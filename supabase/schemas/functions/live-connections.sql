-- The connections of a person that are worth something now: redeemed, not ended, and with a token that can still be used. Internal.
-- Without refresh tokens that is as long as an access token lives, an hour at most.
create or replace function mcp_data.live_connections(p_account_id uuid) returns setof mcp_data.connections
language plpgsql stable set search_path = '' as $$
begin
  return query
  select c.* from mcp_data.connections c cross join mcp_data.settings e
  where c.account_id = p_account_id and c.revoked_at is null and c.issuer_epoch = e.issuer_epoch
    and (c.can_refresh or c.code_redeemed_at > now() - interval '1 hour')
    and c.code_redeemed_at is not null and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now();
end $$;
