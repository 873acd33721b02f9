-- What a next release may do to the schema while this one still runs: more columns, more tables, functions that take one thing more
-- and answer one thing more. The rehearsal applies it where there is no earlier release yet.
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

alter table mcp_data.connections
  add column next_note text,
  add column next_count integer not null default 0;
alter table mcp_data.servers add column next_is_on boolean not null default false;
alter table mcp_data.accounts add column next_name text constraint accounts_next_name_is_short check (length(next_name) < 100);
create index accounts_by_next_name on mcp_data.accounts (next_name) where next_name is not null;
create table mcp_data.next_things (
  thing_id text not null constraint next_things_pkey primary key,
  connection_id text not null references mcp_data.connections (connection_id) on delete cascade
);
alter table mcp_data.next_things enable row level security;
alter table mcp_data.next_things force row level security;

-- The functions of the hot path get a parameter that may be left out, and a member that nobody knows yet.
do $$
declare
  f record;
begin
  for f in
    select p.oid, p.proname, pg_get_function_arguments(p.oid) as arguments, pg_get_function_identity_arguments(p.oid) as identity,
      (select string_agg(quote_ident(n), ', ') from unnest(p.proargnames) n) as names
    from pg_proc p where p.pronamespace = 'mcp'::regnamespace
      and p.proname in ('introspect_token', 'exchange_authorization_code', 'rotate_refresh_token', 'open_transaction', 'decide_consent')
  loop
    execute format('alter function mcp.%I(%s) set schema mcp_data', f.proname, f.identity);
    execute format('create function mcp.%1$I(%2$s, p_next text default null) returns jsonb language plpgsql security definer set search_path = '''' as
      $f$ begin return mcp_data.%1$I(%3$s) || jsonb_build_object(''next_member'', coalesce(p_next, ''none'')); end $f$', f.proname, f.arguments, f.names);
    execute format('grant execute on function mcp.%I(%s, text) to mcp_worker', f.proname, f.identity);
  end loop;
end $$;

update mcp_data.settings set schema_version = '29991231000000';

-- Back to the role that migrates.
do $$
begin
  execute format('set role %I', current_setting('mcp.migrating_role'));
end $$;
