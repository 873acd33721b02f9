-- Remembers for a day what an idempotency key has made. Internal.
create or replace function mcp_data.keep_idempotency_key(p_idempotency jsonb, p_made_id text) returns void
language plpgsql set search_path = '' as $$
begin
  if p_idempotency->>'key_digest' is null then
    return;
  end if;
  insert into mcp_data.idempotency_keys as x (key_digest, body_digest, made_id, expires_at)
  values ((p_idempotency->>'key_digest')::bytea, (p_idempotency->>'body_digest')::bytea, p_made_id, now() + interval '1 day')
  on conflict (key_digest) do update set body_digest = excluded.body_digest, made_id = excluded.made_id, expires_at = excluded.expires_at;
end $$;
