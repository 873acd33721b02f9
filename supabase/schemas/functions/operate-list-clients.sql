-- The clients that have a row: pre-registered ones, and the ids of others that are blocked, as SHA-256. Internal.
-- outcomes: listed {clients, blocked}
create or replace function mcp_data.operate_list_clients() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object('outcome', 'listed',
    'clients', (select coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(c) || jsonb_build_object('blocked_at',
      coalesce(c.blocked_at, b.blocked_at), 'blocked_reason', coalesce(c.blocked_reason, b.reason))) order by c.client_id), '[]')
      from mcp_data.clients c left join mcp_data.blocked_clients b on b.client_id_digest = sha256(convert_to(c.client_id, 'UTF8'))),
    'blocked', (select coalesce(jsonb_agg(jsonb_build_object('client_id_digest', encode(b.client_id_digest, 'hex'), 'reason', b.reason,
      'blocked_at', b.blocked_at) order by b.blocked_at), '[]') from mcp_data.blocked_clients b));
end $$;
