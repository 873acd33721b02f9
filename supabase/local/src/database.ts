import { randomBytes } from 'node:crypto'
import { makeApiKey } from './api-key.ts'
import type { Backend, Query } from './backend.ts'
import { bootstrap } from './bootstrap.ts'
import { startGateway } from './gateway.ts'
import { applyMigrations } from './migrations.ts'
import { openPglite } from './pglite.ts'
import { openPool } from './pool.ts'

export type DatabaseOptions = {
  /** Where the embedded database keeps its files; absent means in memory. */
  folder?: string
  /** A real PostgreSQL instead of the embedded one; its user has to be a superuser. */
  databaseUrl?: string
  /** Signs the keys; absent means new keys at every start. */
  jwtSecret?: string
  /** Where the surface listens; absent means any free port. */
  port?: number
}

export type Database = {
  /** What supabase-js takes as the project's URL. */
  url: string
  keys: { worker: string; service: string; anon: string }
  /** Acts as the superuser, past the surface. */
  query: Query
  close: () => Promise<void>
}

/**
 * Starts a Supabase project's worth of database: PostgreSQL with our migrations, and the RPC surface over it.
 * @throws FolderInUse, PortRefused
 */
export async function startDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const backend = await open(options)
  try {
    await bootstrap(backend.query)
    await applyMigrations(backend.query)
    return await serve(backend, options)
  } catch (error) {
    await backend.close()
    throw error
  }
}

async function open({ folder, databaseUrl }: DatabaseOptions): Promise<Backend> {
  return databaseUrl === undefined ? openPglite(folder) : openPool(databaseUrl)
}

async function serve(backend: Backend, options: DatabaseOptions): Promise<Database> {
  const jwtSecret = options.jwtSecret ?? randomBytes(32).toString('base64url')
  const gateway = await startGateway(backend.query, jwtSecret, options.port ?? 0)
  return {
    url: gateway.url,
    keys: {
      worker: await makeApiKey('mcp_worker', jwtSecret),
      service: await makeApiKey('service_role', jwtSecret),
      anon: await makeApiKey('anon', jwtSecret),
    },
    query: backend.query,
    close: async () => {
      await gateway.close()
      await backend.close()
    },
  }
}
