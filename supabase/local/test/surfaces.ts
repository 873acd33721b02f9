import { makeApiKey, secretKeyOf } from '../src/api-key.ts'
import type { Backend } from '../src/backend.ts'
import { bootstrap } from '../src/bootstrap.ts'
import { startGateway } from '../src/gateway.ts'
import { openPglite } from '../src/pglite.ts'
import { openPool } from '../src/pool.ts'
import { createDatabase, dropDatabase, startPostgres } from '../src/postgres.ts'

export const jwtSecret = 'a secret of at least thirty-two characters'

export type Surface = { url: string; backend: Backend; close: () => Promise<void> }
export type SurfaceKind = 'embedded' | 'real'

/**
 * A surface over a database that holds `functions` in schema mcp, each executable by `surface_worker` (inherited by
 * service_role), and by `surface_hurried`, which alone has little time: a busy machine may take long for anything.
 */
export async function openSurface(kind: SurfaceKind): Promise<Surface> {
  const { backend, close } = kind === 'embedded' ? await openEmbedded() : await openReal()
  await bootstrap(backend.query)
  await backend.query(functions)
  const gateway = await startGateway(backend.query, jwtSecret, 0)
  return {
    url: gateway.url,
    backend,
    close: async () => {
      await gateway.close()
      await close()
    },
  }
}

type Opened = { backend: Backend; close: () => Promise<void> }

async function openEmbedded(): Promise<Opened> {
  const backend = await openPglite()
  return { backend, close: backend.close }
}

async function openReal(): Promise<Opened> {
  const postgres = await startPostgres()
  const url = await createDatabase(postgres.url)
  const backend = openPool(url)
  const close = async () => {
    await backend.close()
    await dropDatabase(url)
    await postgres.close()
  }
  return { backend, close }
}

const functions = `
  do $$ begin create role surface_worker nologin; exception when duplicate_object then null; end $$;
  do $$ begin create role surface_hurried nologin in role surface_worker; exception when duplicate_object then null; end $$;
  alter role surface_hurried set statement_timeout = '100ms';
  grant surface_worker, surface_hurried to authenticator;
  grant surface_worker to service_role;
  create schema mcp;
  create schema hidden;
  grant usage on schema mcp to surface_worker;
  create table hidden.calls (note text not null);
  create function mcp.describe(p_text text, p_bytes bytea[] default null, p_number int default 7) returns jsonb
    language sql security definer set search_path = '' as $$
    select jsonb_build_object('text', p_text, 'bytes', cardinality(p_bytes), 'number', p_number) $$;
  create function mcp.whoami() returns jsonb language sql as $$
    select jsonb_build_object('role', current_user, 'login', session_user,
      'claims', current_setting('request.jwt.claims')::jsonb,
      'headers', current_setting('request.headers', true)) $$;
  create function mcp.nothing() returns void language sql as $$ select $$;
  create function mcp.several(p_count int) returns setof int language sql as $$ select generate_series(1, p_count) $$;
  create function mcp.pairs() returns table (name text, size int) language sql as $$ values ('a', 1), ('b', 2) $$;
  create function mcp.plain_text() returns text language sql as $$ select 'it''s "quoted"' $$;
  create function mcp.fail(p_code text, p_message text) returns jsonb language plpgsql as $$
    begin raise exception using errcode = p_code, message = p_message, detail = 'why', hint = 'what to do'; end $$;
  create function mcp.write_then_fail(p_note text) returns jsonb language plpgsql security definer as $$
    begin insert into hidden.calls values (p_note); raise exception 'after the write'; end $$;
  create function mcp.wait(p_seconds float) returns void language sql as $$ select pg_sleep(p_seconds) $$;
  create function mcp.guarded() returns text language sql as $$ select 'guarded' $$;
  create function mcp.set_status() returns void language sql as $$ select set_config('response.status', '418', true) $$;
  create function mcp.unnamed(int) returns int language sql as $$ select $1 $$;
  create function mcp.overloaded(p_value int) returns int language sql as $$ select 1 $$;
  create function mcp.overloaded(p_value text) returns int language sql as $$ select 2 $$;
  create function public.elsewhere() returns int language sql as $$ select 1 $$;
  revoke execute on all functions in schema mcp from public;
  grant execute on all functions in schema mcp to surface_worker;
  revoke execute on function mcp.guarded() from surface_worker;`

export type CallOptions = {
  role?: string
  key?: string
  headers?: Record<string, string | undefined>
  method?: string
  path?: string
  body?: string
}

/** Calls the surface as supabase-js would, but for what `options` change; an undefined header is left out. */
export async function call(surface: Surface, name: string, args: object, options: CallOptions = {}): Promise<Response> {
  const key = options.key ?? (await makeApiKey(options.role ?? 'surface_worker', jwtSecret))
  const headers = {
    apikey: key,
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'content-profile': 'mcp',
    ...options.headers,
  }
  const method = options.method ?? 'POST'
  return fetch(`${surface.url}${options.path ?? `/rest/v1/rpc/${name}`}`, {
    method,
    headers: Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ...(method === 'POST' ? { body: options.body ?? JSON.stringify(args) } : {}),
  })
}

export const secretKey = secretKeyOf(jwtSecret)
