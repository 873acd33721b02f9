import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { registerExample, runExample, urlOf } from 'auth-agent-mcp-local/scripts/example-server.ts'
import { type Database, startDatabase } from 'auth-agent-mcp-local/src/database.ts'
import { listen } from 'auth-agent-mcp-local/src/http.ts'
import { type Mailbox, startMailbox } from 'auth-agent-mcp-local/src/mailbox.ts'
import { createDatabase, dropDatabase, startPostgres } from 'auth-agent-mcp-local/src/postgres.ts'
import { makeWorkerSecrets } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import { workerVariables } from 'auth-agent-mcp-local/src/worker-variables.ts'
import { runWorker } from './worker-process.ts'

export type StackOptions = {
  database: 'pglite' | 'postgres'
  /** Also the example MCP server, registered and keyed over the public API. */
  example?: boolean
  /** Variables of the Worker on top of the usual ones, such as LIMITS. */
  variables?: Readonly<Record<string, string>>
}

/** Everything that `npm start` runs, on free loopback ports. */
export type Stack = {
  issuer: string
  mailbox: Mailbox
  /** The URL and the keys of the RPC surface. */
  store: Pick<Database, 'url' | 'keys'>
  query: Database['query']
  exampleUrl: string | undefined
  /** What the Worker logged, newest last. */
  log: () => readonly string[]
  close: () => Promise<void>
}

/** Starts the whole: database, mailbox, the Worker in workerd, and the example where asked for. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const closers: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const closeOne of closers.splice(0).toReversed()) await closeOne()
  }
  try {
    return { ...(await startParts(options, closers)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startParts(options: StackOptions, closers: (() => Promise<unknown>)[]): Promise<Omit<Stack, 'close'>> {
  const secrets = await makeWorkerSecrets()
  const mailbox = await startMailbox({ secret: secrets.EMAIL_WEBHOOK_SECRET })
  closers.push(mailbox.close)
  const database = options.database === 'pglite' ? await startDatabase() : await startRealDatabase(closers)
  closers.push(database.close)
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const variables = workerVariables({ issuer, database, mailbox, secrets })
  const worker = await runWorker(port, { ...variables, ...options.variables })
  closers.push(worker.close)
  const exampleUrl = options.example === true ? await startExample(issuer, closers) : undefined
  return { issuer, mailbox, store: database, query: database.query, exampleUrl, log: worker.log }
}

async function startRealDatabase(closers: (() => Promise<unknown>)[]): Promise<Database> {
  const postgres = await startPostgres()
  closers.push(postgres.close)
  const databaseUrl = await createDatabase(postgres.url)
  closers.push(() => dropDatabase(databaseUrl))
  return startDatabase({ databaseUrl })
}

async function startExample(issuer: string, closers: (() => Promise<unknown>)[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'auth-agent-stack-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const registration = await registerExample(issuer, urlOf(port))
  const filesFolder = join(folder, 'files')
  await cp(join(import.meta.dirname, '../../../examples/typescript-server/files'), filesFolder, { recursive: true })
  const example = await runExample(registration, port, { logFile: join(folder, 'example.log'), filesFolder })
  closers.push(example.stop)
  return registration.server_url
}

// The issuer holds the port and is needed before the Worker starts, so the port can't be left to the Worker.
async function freePort(): Promise<number> {
  const probe = await listen(() => {}, 0, 'a probe')
  await probe.close()
  return probe.port
}
