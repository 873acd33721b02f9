-- The event of a client that was blocked (SECURITY §28, M12), whoever does it: the switches are rows, and operators turn them by
-- hand. Internal; a trigger.
create or replace function mcp_data.tell_of_blocked_client() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform mcp_data.add_event('client.blocked', to_jsonb(new)->>coalesce(tg_argv[0], 'reason'), null, to_jsonb(new)->>'client_id', null, null,
    jsonb_strip_nulls(jsonb_build_object('client_id_digest', to_jsonb(new)->>'client_id_digest')), null);
  return null;
end $$;
