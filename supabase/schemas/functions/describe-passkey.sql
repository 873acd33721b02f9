-- A passkey as its person sees it. Internal.
create or replace function mcp_data.describe_passkey(p mcp_data.passkeys) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('passkey_id', p.passkey_id, 'name', p.name, 'synced', p.is_backed_up,
    'created_at_seconds', floor(extract(epoch from p.created_at))::bigint,
    'last_used_at_seconds', floor(extract(epoch from p.last_used_at))::bigint));
end $$;
