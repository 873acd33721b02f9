-- Makes the audit partition of the month of this moment, if it is missing (SECURITY §28). Internal. Rows of that month which
-- already lie in the default partition keep it there: PostgreSQL would refuse the new one.
create or replace function mcp_data.make_audit_partition(p_moment timestamptz) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_start timestamptz := date_trunc('month', p_moment, 'UTC');
  v_end timestamptz := date_trunc('month', v_start + interval '40 days', 'UTC');
  v_name text := 'audit_events_' || to_char(v_start at time zone 'UTC', 'YYYY_MM');
begin
  if to_regclass('mcp_data.' || v_name) is not null
    or exists (select from mcp_data.audit_events_default d where d.occurred_at >= v_start and d.occurred_at < v_end) then
    return false;
  end if;
  execute format('create table mcp_data.%I partition of mcp_data.audit_events for values from (%L) to (%L)', v_name, v_start, v_end);
  execute format('alter table mcp_data.%I enable row level security', v_name);
  execute format('alter table mcp_data.%I force row level security', v_name);
  execute format('create policy owner_only on mcp_data.%I to mcp_owner using (true) with check (true)', v_name);
  return true;
end $$;
