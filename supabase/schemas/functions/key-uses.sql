-- What is alive under each pepper, by its kid and place: {kid: {place: {count, until?}}}. Internal. `until` is when the last of it expires
-- by itself; what has none must be replaced by its holder.
create or replace function mcp_data.key_uses() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_object_agg(g.kid, g.places), '{}') from (
    select u.kid, jsonb_object_agg(u.place, jsonb_strip_nulls(jsonb_build_object('count', u.count, 'until', u.until))) as places from (
      select x.kid, x.place, count(*), case when count(*) = count(x.until) then max(x.until) end as until from (
        select k.key_kid as kid, 'api_keys' as place, k.expires_at as until from mcp_data.server_keys k
        where k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
        union all select m.token_kid, 'management_tokens', null from mcp_data.management_tokens m where m.revoked_at is null
        union all select p.token_kid, 'personal_tokens', p.expires_at from mcp_data.personal_tokens p
        where p.revoked_at is null and p.expires_at > now()
        union all select s.session_kid, 'sessions', s.expires_at from mcp_data.sessions s where s.ended_at is null and s.expires_at > now()
        union all select c.refresh_kid, 'refresh_tokens', least(c.refresh_idle_expires_at, c.refresh_expires_at) from mcp_data.connections c
        where c.refresh_kid is not null and c.revoked_at is null and least(c.refresh_idle_expires_at, c.refresh_expires_at) > now()
        union all select c.code_kid, 'codes', c.code_expires_at from mcp_data.connections c
        where c.code_redeemed_at is null and c.code_expires_at > now()
        union all select t.browser_kid, 'transactions', t.expires_at from mcp_data.transactions t where t.expires_at > now()
        union all select w.kid, 'webhooks', null from mcp_data.webhooks w
      ) x group by x.kid, x.place
    ) u group by u.kid
  ) g);
end $$;
