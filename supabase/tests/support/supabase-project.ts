import { randomBytes } from 'node:crypto'
import { afterAll, inject } from 'vitest'
import type { Query } from '../../local/src/backend.ts'
import { bootstrap } from '../../local/src/bootstrap.ts'
import { openPool } from '../../local/src/pool.ts'
import { createDatabase, dropDatabase } from '../../local/src/postgres.ts'

/** Names that we use too; in a project that another product has been using for years they are somebody else's. */
export const commonNames = [
  ...['accounts', 'sessions', 'clients', 'servers', 'connections', 'transactions', 'settings', 'limits', 'webhooks'],
  ...['audit_events', 'personal_tokens', 'worker_keys', 'usage_days'],
]
const functionNames = ['read_readiness', 'register_server', 'introspect_token', 'operate', 'add_event', 'clean_up']

const foreignTables = commonNames
  .map(
    (name) => `
  create table public.${name} (id bigint generated always as identity primary key, owner uuid not null default gen_random_uuid(),
    note text not null default 'theirs', made_at timestamptz not null default now());
  create index ${name}_of_owner on public.${name} (owner);
  alter table public.${name} enable row level security;
  create policy own_rows on public.${name} for select to authenticated using (owner is not null);
  grant select, insert on public.${name} to anon, authenticated, service_role;
  insert into public.${name} (note) select 'row ' || n from generate_series(1, 5) n;`,
  )
  .join('\n')

const foreignFunctions = functionNames
  .map(
    (name) => `
  create function public.${name}() returns text language sql as $f$ select 'theirs' $f$;
  grant execute on function public.${name}() to anon;`,
  )
  .join('\n')

/** The schemas of a Supabase project, as far as somebody else's migration could touch them. */
const projectSchemas = `
  create schema auth; create schema storage; create schema realtime; create schema graphql_public; create schema vault;
  create schema supabase_migrations;
  create table auth.users (id uuid primary key default gen_random_uuid(), email text, is_sso_user boolean not null default false,
    email_confirmed_at timestamptz, deleted_at timestamptz);
  create table auth.sessions (id uuid primary key default gen_random_uuid(), user_id uuid references auth.users (id));
  create table storage.buckets (id text primary key); create table storage.objects (id uuid primary key, bucket_id text);
  create table realtime.messages (id uuid primary key, topic text); create table vault.secrets (id uuid primary key, secret text);
  create table supabase_migrations.schema_migrations (version text primary key, name text);
  insert into auth.users (email, email_confirmed_at) values ('ada@mail.example', now());
  insert into supabase_migrations.schema_migrations values ('20240101000000', 'theirs');
  alter table auth.users enable row level security; alter table storage.objects enable row level security;
  create function auth.uid() returns uuid language sql stable as $f$ select null::uuid $f$;
  create type public.status as enum ('pending', 'verified');
  create view public.people as select id, email from auth.users;
  create function public.touch() returns trigger language plpgsql as $f$ begin new.made_at := now(); return new; end $f$;
  alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public grant execute on functions to anon, authenticated, service_role;`

/**
 * Roles belong to the cluster: where another file migrates its database at the same moment, one of the two is refused, and
 * nothing of it is there. It comes again.
 */
export async function untilAlone<Result>(migrate: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await migrate()
    } catch (error) {
      if (!String(error).includes('tuple concurrently updated')) throw error
    }
  }
}

/** What the roles begin with that migrate a database of somebody else's: they are members of ours. */
export const editorPrefix = 'editor_'

export type SupabaseProject = { readonly admin: Query; readonly editor: Query }

/** A project that others use, and its SQL editor: the role `postgres` of Supabase, which is no superuser. */
export async function supabaseProject(): Promise<SupabaseProject> {
  const url = new URL(await createDatabase(inject('postgresUrl')))
  const admin = openPool(url.href, 1)
  await bootstrap(admin.query)
  const role = `${editorPrefix}${randomBytes(4).toString('hex')}`
  // Roles belong to the cluster: where another database of it has made ours, whoever migrates must have been given them.
  const roles = await admin.query(
    "select rolname from pg_roles where rolname in ('mcp_owner', 'mcp_worker', 'mcp_operator')",
  )
  await admin.query(`create role ${role} login createrole createdb bypassrls password 'editor'`)
  await admin.query(`grant anon, authenticated, service_role, authenticator to ${role} with admin option`)
  for (const { rolname } of roles) await admin.query(`grant ${rolname} to ${role} with admin option`)
  await admin.query(`grant create on database ${url.pathname.slice(1)} to ${role}`)
  await admin.query(`${projectSchemas}\n${foreignTables}\n${foreignFunctions}`)
  await admin.query(
    `create trigger touch before update on public.accounts for each row execute function public.touch()`,
  )
  await admin.query(`grant usage on schema auth, public to ${role}; grant select on auth.users to ${role}`)
  const login = new URL(url)
  login.username = role
  login.password = 'editor'
  const editor = openPool(login.href, 1)
  afterAll(async () => {
    await Promise.all([admin.close(), editor.close()])
    await dropDatabase(url.href)
    const postgres = openPool(inject('postgresUrl'), 1)
    await postgres.query(`drop role ${role}`).catch(() => {})
    await postgres.close()
  })
  return { admin: admin.query, editor: editor.query }
}

/** Everything outside our two schemas, and who is a member of whom outside our roles: one line a fact. */
export async function describeOthers(query: Query): Promise<string[]> {
  const facts = await query(othersSql, [])
  const rows = await Promise.all(
    commonNames.map((name) => query(`select '${name}: ' || to_jsonb(t)::text as fact from public.${name} t`, [])),
  )
  return [...facts, ...rows.flat()].map(({ fact }) => String(fact)).sort()
}

const ours = "('mcp', 'mcp_data', 'pg_catalog', 'information_schema', 'pg_toast')"
const othersSql = `
  select concat_ws(' ', 'schema', n.nspname, n.nspacl::text, n.nspowner::regrole) as fact from pg_namespace n
  where n.nspname not in ${ours} and n.nspname !~ '^pg_(temp|toast)'
  union all select concat_ws(' ', 'relation', n.nspname || '.' || c.relname, c.relkind, c.relacl::text, c.relowner::regrole,
    c.relrowsecurity, c.relforcerowsecurity, c.relfilenode, c.reloptions::text)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname not in ${ours} and n.nspname !~ '^pg_(temp|toast)'
  union all select concat_ws(' ', 'column', a.attrelid::regclass, a.attname, a.atttypid::regtype, a.attnotnull, a.attacl::text)
  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname not in ${ours} and n.nspname !~ '^pg_(temp|toast)' and a.attnum > 0
  union all select concat_ws(' ', 'function', p.oid::regprocedure, md5(p.prosrc), p.proacl::text, p.proowner::regrole, p.prosecdef)
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname not in ${ours}
  union all select concat_ws(' ', 'policy', l.polname, l.polrelid::regclass, pg_get_expr(l.polqual, l.polrelid))
  from pg_policy l join pg_class c on c.oid = l.polrelid join pg_namespace n on n.oid = c.relnamespace where n.nspname not in ${ours}
  union all select concat_ws(' ', 'trigger', t.tgname, t.tgrelid::regclass, t.tgenabled)
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace where n.nspname not in ${ours}
  union all select concat_ws(' ', 'constraint', k.conname, pg_get_constraintdef(k.oid))
  from pg_constraint k join pg_namespace n on n.oid = k.connamespace where n.nspname not in ${ours}
  union all select concat_ws(' ', 'type', t.oid::regtype, t.typacl::text)
  from pg_type t join pg_namespace n on n.oid = t.typnamespace where n.nspname not in ${ours}
  union all select concat_ws(' ', 'defaults', d.defaclnamespace::regnamespace, d.defaclobjtype, d.defaclacl::text)
  from pg_default_acl d where d.defaclrole::regrole::text <> 'mcp_owner'
  union all select concat_ws(' ', 'member', m.member::regrole, 'of', m.roleid::regrole) from pg_auth_members m
  where m.member::regrole::text in ('anon', 'authenticated', 'service_role', 'authenticator') and m.roleid::regrole::text !~ '^mcp_'`
