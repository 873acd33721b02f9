-- Stores a session's digest under the newest pepper when it was found by an older one (SECURITY §6). Internal.
create or replace function mcp_data.renew_session_digest(p_session_id uuid, p_newest_digest bytea, p_newest_kid text) returns void
language plpgsql set search_path = '' as $$
begin
  update mcp_data.sessions set session_digest = p_newest_digest, session_kid = p_newest_kid
  where session_id = p_session_id and session_digest <> p_newest_digest;
end $$;
