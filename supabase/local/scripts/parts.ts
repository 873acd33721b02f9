import { join } from 'node:path'
import { withProgress } from '../../../scripts/progress.mjs'
import { startDatabase } from '../src/database.ts'
import { listen } from '../src/http.ts'
import { startMailbox } from '../src/mailbox.ts'
import { workerVariables } from '../src/worker-variables.ts'
import { type DataFolder, openDataFolder } from './data-folder.ts'
import { type Closer, type ExampleLanguage, prepareExample } from './example-programs.ts'
import { startExample, urlOf } from './example-server.ts'
import type { GuardedProcess } from './guarded-process.ts'
import type { Addresses } from './next-steps.ts'
import type { StartOptions } from './start-options.ts'
import { startSchedule, startWorker, waitForWorker } from './worker-process.ts'

export type Running = { addresses: Addresses; children: { name: string; process: GuardedProcess }[] }

/**
 * Starts all parts in order. What has to be closed again is added to `closers` as soon as it is open, so that an
 * interrupted start leaves nothing behind.
 * @throws one of the errors that are sentences for a person: FolderInUse, WrongFolder, PortRefused, WorkerFailed, ExampleFailed
 */
export async function startEverything(options: StartOptions, closers: Closer[]): Promise<Running> {
  const data = await openDataFolder(options.folder, options.reset)
  closers.push(data.release)
  await refuseTakenPorts(options)
  const issuer = `http://localhost:${options.port}`
  const variables = await startStores(data, issuer, options, closers)
  const worker = await startWorker({ folder: data.folder, port: options.port, variables })
  closers.push(worker.stop)
  await withProgress('starting the authorization server', () => waitForWorker(worker, issuer))
  const schedule = startSchedule(issuer)
  closers.push(async () => clearInterval(schedule))
  const children = [{ name: 'authorization server', process: worker }]
  const addresses = { issuer, mailbox: `http://localhost:${options.mailboxPort}`, folder: data.folder }
  if (options.example === undefined) return { addresses: { ...addresses, example: undefined }, children }
  const example = await startChosenExample(
    options.example,
    { folder: data.folder, issuer, port: options.examplePort },
    closers,
  )
  children.push({ name: 'example MCP server', process: example })
  return {
    addresses: { ...addresses, example: { url: urlOf(options.examplePort), language: options.example } },
    children,
  }
}

async function startChosenExample(
  language: ExampleLanguage,
  place: { folder: string; issuer: string; port: number },
  closers: Closer[],
): Promise<GuardedProcess> {
  const log = join(place.folder, 'example-environment.log')
  const program = await withProgress('preparing the example MCP server (only the first time takes long)', () =>
    prepareExample(language, log, closers),
  )
  const example = await withProgress('starting the example MCP server', () => startExample({ ...place, program }))
  closers.push(example.stop)
  return example
}

// Asked before anything is started: the parts themselves would say it later and in other words.
async function refuseTakenPorts({ port, mailboxPort, examplePort, example }: StartOptions): Promise<void> {
  const wanted: [number, string][] = [
    [port, 'the authorization server (--port)'],
    [mailboxPort, 'the mailbox (--mailbox-port)'],
  ]
  if (example) wanted.push([examplePort, 'the example MCP server (--example-port or --no-example)'])
  for (const [number, what] of wanted) await (await listen(() => {}, number, what)).close()
}

/** Starts the database and the mailbox, and gives the Worker's variables. */
async function startStores(
  { folder, secrets }: DataFolder,
  issuer: string,
  options: StartOptions,
  closers: Closer[],
): Promise<Record<string, string>> {
  const mailbox = await startMailbox({
    port: options.mailboxPort,
    secret: secrets.EMAIL_WEBHOOK_SECRET ?? '',
    file: join(folder, 'mailbox.json'),
  })
  closers.push(mailbox.close)
  const databaseFolder = join(folder, 'database')
  const jwtSecret = secrets.JWT_SECRET ?? ''
  const database = await withProgress('starting the database', () =>
    startDatabase({ folder: databaseFolder, jwtSecret }),
  )
  closers.push(database.close)
  return {
    ...workerVariables({ issuer, database, mailbox, secrets }),
    DOCUMENTS_ALLOW_LOOPBACK: options.readsLoopbackDocuments ? 'on' : 'off',
  }
}
