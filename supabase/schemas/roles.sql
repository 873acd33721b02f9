-- Roles and schemas (SECURITY §27, ARCHITECTURE decision 3).
-- mcp_owner owns everything, cannot log in and cannot bypass row level security; mcp_worker may execute our functions
-- and nothing else; mcp_operator may execute those for operators and nothing else. Roles belong to the cluster, so another
-- database may have made them before.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'mcp_owner') then
    create role mcp_owner nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'mcp_worker') then
    create role mcp_worker nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'mcp_operator') then
    create role mcp_operator nologin noinherit;
  end if;
end $$;

alter role mcp_worker set statement_timeout = '3s';
alter role mcp_worker set lock_timeout = '1s';
alter role mcp_operator set statement_timeout = '30s';
alter role mcp_operator set lock_timeout = '5s';

-- Whoever migrates (Supabase's `postgres` is no superuser) must be able to make objects as mcp_owner, and to act as operator.
do $$
begin
  if not pg_catalog.pg_has_role(current_user, 'mcp_owner', 'usage') then
    execute pg_catalog.format('grant mcp_owner to %I', current_user);
  end if;
  if not pg_catalog.pg_has_role(current_user, 'mcp_operator', 'usage') then
    execute pg_catalog.format('grant mcp_operator to %I', current_user);
  end if;
end $$;

-- A plain Supabase project: a JWT with `role: mcp_worker` needs authenticator to switch to it, and a secret key is
-- service_role. Elsewhere these two do not exist. service_role never becomes mcp_operator: the Worker may hold its key.
do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then
    grant mcp_worker, mcp_operator to authenticator;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant mcp_worker to service_role;
  end if;
end $$;

create schema mcp authorization mcp_owner;
create schema mcp_data authorization mcp_owner;

-- Decision 7: accounts are shared with a Supabase project's auth.users. This is the one function that does not belong to
-- mcp_owner: auth.users has row level security without policies, so only the migrating role (which may bypass it) can
-- read it. No table of that name: no answer.
create function mcp_data.find_auth_user(p_email text) returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  v_account_id uuid;
begin
  if pg_catalog.to_regclass('auth.users') is null then
    return null;
  end if;
  execute 'select id from auth.users where email = $1 and is_sso_user = false
             and email_confirmed_at is not null and deleted_at is null'
    into v_account_id using p_email;
  return v_account_id;
end $$;
revoke execute on function mcp_data.find_auth_user(text) from public;
grant execute on function mcp_data.find_auth_user(text) to mcp_owner;

-- From here on everything is made by mcp_owner; the last file of a migration goes back to the role it came from
-- (`reset role` would go back to the login role, which need not be the same).
select pg_catalog.set_config('mcp.migrating_role', current_user, false);
set role mcp_owner;

-- Without this PostgreSQL lets PUBLIC execute every new function. It must be global for the role: per schema nothing can
-- be taken away that is granted by default.
alter default privileges for role mcp_owner revoke execute on functions from public;
alter default privileges for role mcp_owner revoke usage on types from public;
grant usage on schema mcp to mcp_worker, mcp_operator;
