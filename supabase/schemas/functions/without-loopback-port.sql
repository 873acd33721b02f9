-- A redirect URI as it is compared between runs of one client: RFC 8252 §7.3 lets the port of a loopback vary. Internal.
create or replace function mcp_data.without_loopback_port(p_redirect_uri text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return regexp_replace(p_redirect_uri, '^(http://(?:localhost|127\.0\.0\.1|\[::1\])):[0-9]+', '\1');
end $$;
