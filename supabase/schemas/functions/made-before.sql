-- What an idempotency key has made before (draft-ietf-httpapi-idempotency-key-header §2.6), or `is_mismatch` when it came with another
-- body. Internal. Locks the key until the end of the call, so that of two at once the second sees what the first made.
create or replace function mcp_data.made_before(p_idempotency jsonb, out made_id text, out is_mismatch boolean)
language plpgsql set search_path = '' as $$
declare
  k mcp_data.idempotency_keys;
begin
  is_mismatch := false;
  if p_idempotency->>'key_digest' is null then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended(p_idempotency->>'key_digest', 0));
  select * into k from mcp_data.idempotency_keys x
  where x.key_digest = (p_idempotency->>'key_digest')::bytea and x.expires_at > now();
  made_id := k.made_id;
  is_mismatch := found and k.body_digest <> (p_idempotency->>'body_digest')::bytea;
end $$;
