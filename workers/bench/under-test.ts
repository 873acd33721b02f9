/** Starts what is measured: a database behind its RPC surface, the authorization server and the bare Worker, each on plain workerd. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, startDatabase } from 'auth-agent-mcp-local/src/database.ts'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { startMailbox } from 'auth-agent-mcp-local/src/mailbox.ts'
import { startPostgres } from 'auth-agent-mcp-local/src/postgres.ts'
import { makeWorkerSecrets } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import { workerVariables } from 'auth-agent-mcp-local/src/worker-variables.ts'
import { readKeyRing } from '../src/config-values.ts'
import type { KeyRing } from '../src/crypto/digest.ts'
import type { Bundle } from './bundle.ts'
import type { Template } from './connections.ts'
import { type ApprovedCode, approve, type OwnServer, type Place, registerOwnServer } from './visitor.ts'
import { startWorkerd, type Workerd } from './workerd.ts'

export type DatabaseKind = 'embedded' | 'real'
export type Bundles = { server: Bundle; bare: Bundle }

export type UnderTest = {
  issuer: string
  database: Database
  databasePort: number
  server: Workerd
  ownServer: OwnServer
  approved: ApprovedCode
  template: Template
  startBare: () => Promise<Workerd>
  close: () => Promise<void>
}

/**
 * V8 in workerd collects its old generation only when a limit comes near, and without one a bare Hono route grows by
 * megabytes a second. Cloudflare gives an isolate 128 MB; this is what a small machine would give it.
 */
const v8Flags = ['--max-heap-size=20']

export function readCompatibilityDate(): string {
  const settings = readFileSync(join(import.meta.dirname, '../wrangler.jsonc'), 'utf8')
  const date = /"compatibility_date":\s*"([\d-]+)"/.exec(settings)?.[1]
  if (date === undefined) throw new Error('wrangler.jsonc names no compatibility_date')
  return date
}

/** A database that syncs to disk as a production one does: the numbers are not those of a test database. */
async function openDatabase(kind: DatabaseKind): Promise<{ database: Database; close: () => Promise<void> }> {
  if (kind === 'embedded') {
    const database = await startDatabase()
    return { database, close: database.close }
  }
  const postgres = await startPostgres({ fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' })
  const database = await startDatabase({ databaseUrl: postgres.url })
  const close = async (): Promise<void> => {
    await database.close()
    await postgres.close()
  }
  return { database, close }
}

function peppersOf(text: string): KeyRing {
  const reading = readKeyRing(text)
  if ('problem' in reading) throw new Error(`TOKEN_PEPPERS ${reading.problem}`)
  return reading.value
}

export async function startUnderTest(kind: DatabaseKind, bundles: Bundles): Promise<UnderTest> {
  const { database, close: closeDatabase } = await openDatabase(kind)
  const secrets = await makeWorkerSecrets()
  const mailbox = await startMailbox({ secret: secrets.EMAIL_WEBHOOK_SECRET })
  const workers: Workerd[] = []
  const start = async (bundle: Bundle, port: number, bindings: Record<string, string>): Promise<Workerd> => {
    const compatibilityDate = readCompatibilityDate()
    const worker = await startWorkerd({ folder: bundle.folder, compatibilityDate, port, bindings, v8Flags })
    workers.push(worker)
    return worker
  }
  const startBare = (): Promise<Workerd> =>
    start(bundles.bare, 0, { SUPABASE_URL: database.url, SUPABASE_KEY: database.keys.worker })
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.stop()))
    await mailbox.close()
    await closeDatabase()
  }
  try {
    // The issuer is configuration, so its port must be known before workerd listens.
    const port = await freePort()
    const issuer = `http://localhost:${port}`
    const server = await start(bundles.server, port, workerVariables({ issuer, database, mailbox, secrets }))
    const databasePort = Number(new URL(database.url).port)
    const prepared = await prepare({ issuer, mailboxUrl: mailbox.url }, database, peppersOf(secrets.TOKEN_PEPPERS))
    return { issuer, database, databasePort, server, ...prepared, startBare, close }
  } catch (error) {
    console.error(workers[0]?.recentLog().slice(-10).join('\n'))
    await close()
    throw error
  }
}

/** One owner, one server, one approval: what all measured connections are copies of. */
async function prepare(place: Place, { query }: Database, peppers: KeyRing) {
  const ownServer = await registerOwnServer(place.issuer)
  const approved = await approve(place, ownServer)
  return { ownServer, approved, template: { query, peppers, code: approved.code } }
}
