-- A personal token as its owner sees it: never its secret (J5, J19). Internal.
create or replace function mcp_data.describe_personal_token(t mcp_data.personal_tokens) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('token_id', t.token_id, 'name', t.name, 'last_four', t.last_four, 'scopes', to_jsonb(t.scopes),
    'created_at_seconds', floor(extract(epoch from t.created_at))::bigint,
    'expires_at_seconds', floor(extract(epoch from t.expires_at))::bigint,
    'last_used_at_seconds', floor(extract(epoch from t.last_used_at))::bigint,
    'revoked_at_seconds', floor(extract(epoch from t.revoked_at))::bigint));
end $$;
