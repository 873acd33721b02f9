import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ExampleLanguage, prepareExample, sampleFilesOf } from 'auth-agent-mcp-local/scripts/example-programs.ts'
import { type Registration, registerExample, runExample, urlOf } from 'auth-agent-mcp-local/scripts/example-server.ts'
import { type Database, startDatabase } from 'auth-agent-mcp-local/src/database.ts'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { type Mailbox, startMailbox } from 'auth-agent-mcp-local/src/mailbox.ts'
import { createDatabase, dropDatabase, startPostgres } from 'auth-agent-mcp-local/src/postgres.ts'
import { makeWorkerSecrets } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import { workerVariables } from 'auth-agent-mcp-local/src/worker-variables.ts'
import { patientLimits } from './patient-limits.ts'
import { runWorker } from './worker-process.ts'

export type StackOptions = {
  database: 'pglite' | 'postgres'
  /** Also the example MCP server, registered and keyed over the public API; in TypeScript, or in these languages. */
  example?: boolean | readonly ExampleLanguage[]
  /** Variables of the Worker on top of the usual ones, such as LIMITS. */
  variables?: Readonly<Record<string, string>>
  /** Certificates of servers on this machine that the Worker may call, as PEM. */
  trustedCertificates?: readonly string[]
}

export type RunningExample = { language: ExampleLanguage; registration: Registration; filesFolder: string }

/** Everything that `npm start` runs, on free loopback ports. */
export type Stack = {
  issuer: string
  mailbox: Mailbox
  /** The URL and the keys of the RPC surface. */
  store: Pick<Database, 'url' | 'keys'>
  query: Database['query']
  examples: readonly RunningExample[]
  /** The first of them as its owner knows it, where one was asked for. */
  example: Registration | undefined
  /** What the Worker logged, newest last. */
  log: () => readonly string[]
  /** What the cron trigger does every quarter of an hour. */
  runScheduled: () => Promise<void>
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
  // The issuer holds the port and is needed before the Worker starts, so the port can't be left to the Worker.
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const variables = { ...workerVariables({ issuer, database, mailbox, secrets }), ...options.variables }
  const LIMITS = patientLimits(options.variables?.LIMITS, 'database_milliseconds', 'document_milliseconds')
  const worker = await runWorker(port, { ...variables, LIMITS }, options.trustedCertificates)
  closers.push(worker.close)
  const languages = options.example === true ? ['typescript' as const] : options.example || []
  const examples: RunningExample[] = []
  for (const language of languages) examples.push(await startExample(language, issuer, closers))
  const parts = {
    issuer,
    mailbox,
    store: database,
    query: database.query,
    log: worker.log,
    runScheduled: worker.runScheduled,
  }
  return { ...parts, examples, example: examples[0]?.registration }
}

async function startRealDatabase(closers: (() => Promise<unknown>)[]): Promise<Database> {
  const postgres = await startPostgres()
  closers.push(postgres.close)
  const databaseUrl = await createDatabase(postgres.url)
  closers.push(() => dropDatabase(databaseUrl))
  return startDatabase({ databaseUrl })
}

async function startExample(
  language: ExampleLanguage,
  issuer: string,
  closers: (() => Promise<unknown>)[],
): Promise<RunningExample> {
  const folder = await mkdtemp(join(tmpdir(), 'auth-agent-stack-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  const program = await prepareExample(language, join(folder, 'environment.log'), closers)
  const port = await freePort()
  const registration = await registerExample(issuer, urlOf(port))
  const filesFolder = join(folder, 'files')
  await cp(sampleFilesOf(language), filesFolder, { recursive: true })
  const example = await runExample(program, registration, { port, logFile: join(folder, 'example.log'), filesFolder })
  closers.push(example.stop)
  return { language, registration, filesFolder }
}
