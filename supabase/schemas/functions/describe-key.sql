-- An API key as its owner sees it: never its secret (J5). Internal.
create or replace function mcp_data.describe_key(k mcp_data.server_keys) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('key_id', k.key_id, 'name', k.name, 'last_four', k.last_four,
    'created_at_seconds', floor(extract(epoch from k.created_at))::bigint,
    'expires_at_seconds', floor(extract(epoch from k.expires_at))::bigint,
    'last_used_at_seconds', floor(extract(epoch from k.last_used_at))::bigint,
    'revoked_at_seconds', floor(extract(epoch from k.revoked_at))::bigint));
end $$;
