-- Everything that is kept about a person: account, servers, sessions, passkeys and whether they are lost, identities, connections, and the newest 5000 events. Internal. The session is
-- the one that asks; null for an operator.
create or replace function mcp_data.describe_account(p_account_id uuid, p_session_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  a mcp_data.accounts;
begin
  select * into a from mcp_data.accounts x where x.account_id = p_account_id;
  return jsonb_build_object(
    'account', jsonb_strip_nulls(jsonb_build_object('account_id', a.account_id, 'email', a.email, 'name', a.name, 'language', a.language,
      'created_at', a.created_at, 'email_verified_at', a.email_verified_at)),
    'servers', (select coalesce(jsonb_agg(mcp_data.describe_server(s) order by s.created_at), '[]') from mcp_data.servers s
      where s.owner_account_id = a.account_id and s.status <> 'deleted'),
    'sessions', (select coalesce(jsonb_agg(mcp_data.describe_session(s, p_session_id) || jsonb_build_object('ip', s.ip, 'ended_at', s.ended_at)
      order by s.created_at), '[]') from mcp_data.sessions s where s.account_id = a.account_id),
    'passkeys', (select coalesce(jsonb_agg(mcp_data.describe_passkey(p) order by p.created_at), '[]')
      from mcp_data.passkeys p where p.account_id = a.account_id),
    'lost_passkeys', mcp_data.describe_lost_passkeys(a.account_id),
    'identities', (select coalesce(jsonb_agg(mcp_data.describe_identity(i) order by i.linked_at), '[]')
      from mcp_data.identities i where i.account_id = a.account_id),
    'connections', (select coalesce(jsonb_agg(mcp_data.describe_own_connection(c)
      || jsonb_build_object('revoked_at', c.revoked_at, 'revoked_reason', c.revoked_reason) order by c.created_at), '[]')
      from mcp_data.connections c where c.account_id = a.account_id),
    'events', (select coalesce(jsonb_agg(mcp_data.describe_own_event(x.e) order by (x.e).occurred_at), '[]')
      from (select e from mcp_data.audit_events e where e.account_id = a.account_id order by e.occurred_at desc limit 5000) x));
end $$;
