import { randomBytes } from 'node:crypto'
import { makeApiKey } from 'auth-agent-mcp-local/src/api-key.ts'
import type { Query } from 'auth-agent-mcp-local/src/backend.ts'
import { bootstrap } from 'auth-agent-mcp-local/src/bootstrap.ts'
import { applyMigrations } from 'auth-agent-mcp-local/src/migrations.ts'
import { openPool } from 'auth-agent-mcp-local/src/pool.ts'
import { createDatabase, dropDatabase, startPostgres } from 'auth-agent-mcp-local/src/postgres.ts'
import { startRpcService } from 'auth-agent-mcp-local/src/rpc-service.ts'
import { type HttpProxy, openHttpProxy } from '../support/http-proxy.ts'
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { type Place, type PlaceOptions, startPlace } from '../workerd/place.ts'

/** All parts as they run without clouds, with a place for a fault between each two of them. */
export type FaultPlace = Place & {
  /** Between the Worker and the RPC surface. */
  readonly toSurface: HttpProxy
  /** Between the RPC surface and PostgreSQL. */
  readonly toPostgres: TcpProxy
  /** Between the Worker and who carries mail. */
  readonly toMail: HttpProxy
  /** A second way into the same database, past every fault: one connection, so that it can hold a lock. */
  readonly aside: Query
}

type Closers = (() => Promise<unknown>)[]

/** A real PostgreSQL behind the RPC surface as a service, each behind a proxy. */
export async function openFaultDatabase(closers: Closers) {
  const postgres = await startPostgres()
  closers.push(postgres.close)
  const databaseUrl = await createDatabase(postgres.url)
  closers.push(() => dropDatabase(databaseUrl))
  const backend = openPool(databaseUrl, 2)
  closers.push(backend.close)
  await bootstrap(backend.query)
  await applyMigrations(backend.query)
  const other = openPool(databaseUrl, 1)
  closers.push(other.close)
  const toPostgres = await openTcpProxy(Number(new URL(databaseUrl).port))
  closers.push(toPostgres.close)
  const throughProxy = new URL(databaseUrl)
  throughProxy.port = String(toPostgres.port)
  const jwtSecret = randomBytes(32).toString('base64url')
  const surface = await startRpcService(throughProxy.href, jwtSecret, 0)
  closers.push(surface.close)
  const toSurface = await openHttpProxy(() => surface.url)
  closers.push(toSurface.close)
  const [worker, service, anon] = await Promise.all(
    ['mcp_worker', 'service_role', 'anon'].map((role) => makeApiKey(role, jwtSecret)),
  )
  const keys = { worker: worker ?? '', service: service ?? '', anon: anon ?? '' }
  return { url: toSurface.url, keys, query: backend.query, aside: other.query, toPostgres, toSurface }
}

/** LIMITS that are short for those who wait for them to go by, and long enough for a real answer on a busy machine. */
export const hastyDocuments =
  '{"document_milliseconds":3000,"document_failure_seconds":1,"document_failures_per_host":1000}'

export async function startFaultPlace(options: PlaceOptions = {}): Promise<FaultPlace> {
  const closers: Closers = []
  const close = async (): Promise<void> => {
    for (const closeOne of closers.splice(0).toReversed()) await closeOne()
  }
  try {
    const { aside, toPostgres, toSurface, ...database } = await openFaultDatabase(closers)
    const proxies: HttpProxy[] = []
    const place = await startPlace({
      ...options,
      // A code waits while a fault is looked at, on a busy machine too.
      variables: { LIFETIMES: '{"code_seconds":300}', ...options.variables },
      openDatabase: async () => ({ ...database, close: async () => undefined }),
      mailUrl: async (mailboxUrl) => {
        const proxy = await openHttpProxy(() => mailboxUrl)
        proxies.push(proxy)
        closers.push(proxy.close)
        return proxy.url
      },
    })
    closers.push(place.close)
    const [toMail] = proxies
    if (toMail === undefined) throw new Error('no proxy stands before the mailbox')
    return { ...place, aside, toPostgres, toSurface, toMail, close }
  } catch (error) {
    await close()
    throw error
  }
}
