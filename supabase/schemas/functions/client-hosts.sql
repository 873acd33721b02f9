-- The hosts that stand for a client (A36): the one that publishes its metadata document, and the one it redirects to. Internal.
-- The first is the one that vouches for it.
create or replace function mcp_data.client_hosts(p_client_id text, p_client_kind text, p_redirect_uri text) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return array_remove(array[
    case when p_client_kind = 'metadata_document' then substring(p_client_id from '^https?://(\[[^]]+\]|[^/:?#]+)') end,
    substring(p_redirect_uri from '^https?://(\[[^]]+\]|[^/:?#]+)')], null);
end $$;
