import type { Query } from './backend.ts'

const roles: readonly [attributes: string, settings: string][] = [
  ['anon nologin', "statement_timeout = '3s'"],
  ['authenticated nologin', "statement_timeout = '8s'"],
  ['service_role nologin bypassrls', ''],
  ['authenticator login noinherit', "statement_timeout = '8s'"],
]

/** Makes what a Supabase project has before the first migration: its roles and the schema for extensions. */
export async function bootstrap(query: Query): Promise<void> {
  await query(`${roles.map(createRole).join('\n')}
    ${unlessAnotherDoes('grant anon, authenticated, service_role to authenticator;')}
    create schema if not exists extensions;
    grant usage on schema extensions to anon, authenticated, service_role;`)
}

function createRole([attributes, settings]: readonly [string, string]): string {
  const [name] = attributes.split(' ', 1)
  const configure = settings === '' ? '' : `alter role ${name} set ${settings};`
  return unlessAnotherDoes(`create role ${attributes}; ${configure}`)
}

// Roles belong to the whole cluster, so several databases of one cluster may be set up at the same moment.
function unlessAnotherDoes(statements: string): string {
  return `do $$ begin ${statements} exception when duplicate_object or unique_violation or internal_error then null; end $$;`
}
