-- Drops audit months that ended before this moment, and the default partition's rows from before it. Internal. Gives their number.
create or replace function mcp_data.drop_audit_partitions(p_before timestamptz, p_batch integer) returns integer
language plpgsql set search_path = '' as $$
declare
  v_name text;
  v_count integer := 0;
begin
  for v_name in
    select c.relname from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'mcp_data.audit_events'::regclass and c.relname ~ '^audit_events_[0-9]{4}_[0-9]{2}$'
      and make_timestamptz(substring(c.relname from 14 for 4)::integer, substring(c.relname from 19 for 2)::integer, 1, 0, 0, 0, 'UTC')
        + interval '1 month' <= p_before
  loop
    execute format('drop table mcp_data.%I', v_name);
    v_count := v_count + 1;
  end loop;
  delete from mcp_data.audit_events_default d
  where d.event_id in (select x.event_id from mcp_data.audit_events_default x where x.occurred_at < p_before limit p_batch);
  return v_count;
end $$;
