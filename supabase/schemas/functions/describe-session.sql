-- A session as its person sees it. Internal.
create or replace function mcp_data.describe_session(s mcp_data.sessions, p_current uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_strip_nulls(jsonb_build_object('session_id', s.session_id, 'current', s.session_id is not distinct from p_current,
    'signed_in_at_seconds', floor(extract(epoch from s.created_at))::bigint, 'auth_method', s.auth_method,
    'last_used_at_seconds', floor(extract(epoch from s.last_used_at))::bigint, 'user_agent', s.user_agent, 'country', s.country));
end $$;
