-- The second line of defence (SECURITY §27): on and forced on every table, one policy each. The first line is that nobody
-- but mcp_owner has any privilege on schema mcp_data.
do $$
declare
  v_table regclass;
begin
  for v_table in
    select c.oid::regclass from pg_catalog.pg_class c
    where c.relnamespace = 'mcp_data'::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format('alter table %s enable row level security', v_table);
    execute format('alter table %s force row level security', v_table);
    execute format('create policy owner_only on %s to mcp_owner using (true) with check (true)', v_table);
  end loop;
end $$;
