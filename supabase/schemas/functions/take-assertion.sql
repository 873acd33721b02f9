-- Uses up the assertion of a private_key_jwt client (RFC 7523 §3, rule 7; F14): false when its jti was used before, also at this
-- very moment by a parallel call, which waits at the primary key. Internal.
create or replace function mcp_data.take_assertion(p_client jsonb) returns boolean
language plpgsql set search_path = '' as $$
begin
  if p_client->'assertion' is null then
    return true;
  end if;
  insert into mcp_data.client_assertions (assertion_digest, expires_at)
  values ((p_client->'assertion'->>'jti_digest')::bytea,
    to_timestamp((p_client->'assertion'->>'expires_at_seconds')::double precision))
  on conflict (assertion_digest) do nothing;
  return found;
end $$;
