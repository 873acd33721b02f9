import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, startDatabase } from 'auth-agent-mcp-local/src/database.ts'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { startMailbox } from 'auth-agent-mcp-local/src/mailbox.ts'
import { makeWorkerSecrets } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import { workerVariables } from 'auth-agent-mcp-local/src/worker-variables.ts'
import { readCompatibilityDate } from '../../bench/under-test.ts'
import { startWorkerd, type Workerd, type WorkerdSettings } from '../../bench/workerd.ts'
import { bundleWorker, writeModules } from '../../scripts/bundle.ts'

type OwnDatabase = Pick<Database, 'url' | 'keys' | 'query' | 'close'>

export type PlaceOptions = Pick<WorkerdSettings, 'outbound' | 'v8Flags'> & {
  /** Variables of the Worker on top of the usual ones. */
  readonly variables?: Readonly<Record<string, string>>
  /** Runs before the Worker's own code, as part of its module: what is wrong with the machine. */
  readonly preamble?: string
  /** The embedded database where none is named. */
  readonly openDatabase?: () => Promise<OwnDatabase>
  /** Where the Worker's mail goes, in place of the mailbox itself. */
  readonly mailUrl?: (mailboxUrl: string) => Promise<string>
}

/** The Worker as plain workerd runs it: database and mail through service bindings, all else through its own network. */
export type Place = {
  readonly issuer: string
  readonly mailboxUrl: string
  readonly query: Database['query']
  readonly worker: () => Workerd
  /** The variables that the Worker runs with. */
  readonly variables: () => Readonly<Record<string, string>>
  /** Ends the process and starts another one, with these variables, and this preamble, in place of the old ones. */
  readonly restart: (changes?: Readonly<Record<string, string>>, preamble?: string) => Promise<void>
  readonly close: () => Promise<void>
}

const hostOf = (url: string): string => new URL(url).host

type WorkerSettings = Pick<WorkerdSettings, 'outbound' | 'v8Flags' | 'bindings'> & Pick<PlaceOptions, 'preamble'>

/** One Worker; its database and its mail are where its variables say. */
export async function startWorker(
  port: number,
  { preamble = '', ...settings }: WorkerSettings,
): Promise<{ worker: Workerd; stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'auth-agent-workerd-'))
  const modules = await bundleWorker()
  await writeModules(
    folder,
    modules.map((one) => (one.name === 'index.mjs' ? { ...one, text: `${preamble}${one.text}` } : one)),
  )
  const { SUPABASE_URL = '', EMAIL_WEBHOOK_URL = '' } = settings.bindings
  const services = { DATABASE: hostOf(SUPABASE_URL), MAIL: hostOf(EMAIL_WEBHOOK_URL) }
  const compatibilityDate = readCompatibilityDate()
  const worker = await startWorkerd({ ...settings, folder, compatibilityDate, port, services })
  const stop = async (): Promise<void> => {
    await worker.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { worker, stop }
}

export async function startPlace(options: PlaceOptions = {}): Promise<Place> {
  const { variables = {}, openDatabase = startDatabase, mailUrl, ...settings } = options
  const secrets = await makeWorkerSecrets()
  const mailbox = await startMailbox({ secret: secrets.EMAIL_WEBHOOK_SECRET })
  const database = await openDatabase()
  const mail = { ...mailbox, url: (await mailUrl?.(mailbox.url)) ?? mailbox.url }
  // The issuer holds the port and is needed before the Worker starts, so the port can't be left to the Worker.
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  let bindings = { ...workerVariables({ issuer, database, mailbox: mail, secrets }), ...variables }
  let running = await startWorker(port, { ...settings, bindings })
  return {
    issuer,
    mailboxUrl: mailbox.url,
    query: database.query,
    worker: () => running.worker,
    variables: () => bindings,
    restart: async (changes = {}, preamble = settings.preamble ?? '') => {
      await running.stop()
      bindings = { ...bindings, ...changes }
      running = await startWorker(port, { ...settings, bindings, preamble })
    },
    close: async () => {
      await running.stop()
      await database.close()
      await mailbox.close()
    },
  }
}

export const redirectUri = 'http://localhost:51004/callback'
export const verifier = 'a-verifier-of-a-test-that-is-long-enough-012345'

/** An authorization request by this client, for identity alone. */
export function authorizeUrl({ issuer }: Pick<Place, 'issuer'>, client_id: string): URL {
  const url = new URL('/authorize', issuer)
  const request = { response_type: 'code', client_id, redirect_uri: redirectUri, scope: 'openid' }
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  for (const [name, value] of Object.entries({ ...request, code_challenge, code_challenge_method: 'S256' })) {
    url.searchParams.set(name, value)
  }
  return url
}

/** The answer to such a request: a page of ours, or a redirect. */
export async function askFor(place: Place, client_id: string, init: RequestInit = {}) {
  const response = await fetch(authorizeUrl(place, client_id), { ...init, redirect: 'manual' })
  return { status: response.status, location: response.headers.get('location'), text: await response.text() }
}
