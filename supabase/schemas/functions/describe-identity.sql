-- An account elsewhere as its person sees it. Internal.
create or replace function mcp_data.describe_identity(i mcp_data.identities) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('identity_id', i.identity_id, 'issuer', i.issuer, 'email', i.email,
    'linked_at_seconds', floor(extract(epoch from i.linked_at))::bigint,
    'last_used_at_seconds', floor(extract(epoch from i.last_used_at))::bigint));
end $$;
