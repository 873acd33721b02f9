import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { makeApiKey } from 'auth-agent-mcp-local/src/api-key.ts'
import { type Database, startDatabase } from 'auth-agent-mcp-local/src/database.ts'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'
import { type Mailbox, startMailbox } from 'auth-agent-mcp-local/src/mailbox.ts'
import { createDatabase, dropDatabase, startPostgres } from 'auth-agent-mcp-local/src/postgres.ts'
import { makeWorkerSecrets } from 'auth-agent-mcp-local/src/worker-secrets.ts'
import { workerVariables } from 'auth-agent-mcp-local/src/worker-variables.ts'
import { runCommandLine } from '../../operations/command-line.ts'
import { type RunningWorker, runWorker } from '../support/worker-process.ts'

const root = join(import.meta.dirname, '../../..')

export type Run = { readonly code: number; readonly stdout: string; readonly stderr: string }
export type Environment = Readonly<Record<string, string>>

/** A deployment with everything an operator has: the database by two ways, the Worker's file, the running server. */
export type Place = {
  readonly issuer: string
  readonly database: Database
  readonly mailbox: Mailbox
  /** Of a login that may act as mcp_operator and has nothing else. */
  readonly databaseUrl: string
  readonly jwtSecret: string
  readonly envFile: string
  readonly folder: string
  readonly variables: () => Promise<Record<string, string>>
  readonly deploy: () => Promise<void>
  /** Runs `npm run ops --` with the file and the login; the last argument may change the environment. */
  readonly ops: (args: readonly string[], env?: Environment) => Promise<Run>
  readonly close: () => Promise<void>
}

/** Runs a command line in this process, as the program would. */
async function runOps(args: readonly string[], env: Environment): Promise<Run> {
  const printed = { stdout: '', stderr: '' }
  const code = await runCommandLine(args, {
    env,
    write: async (text) => {
      printed.stdout += text
    },
    writeError: async (text) => {
      printed.stderr += text
    },
  })
  return { code, ...printed }
}

/** Runs a program of the project to its end, with nothing of this process's environment. */
export function runProgram(file: string, args: readonly string[], env: Environment = {}): Promise<Run> {
  const environment = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TMPDIR: tmpdir(), ...env }
  return new Promise((resolve) => {
    const options = { env: environment, maxBuffer: 64 * 1024 * 1024 }
    execFile(process.execPath, [join(root, file), ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
  })
}

async function makeOperatorLogin(database: Database, databaseUrl: string): Promise<string> {
  const url = new URL(databaseUrl)
  url.username = `operator_${randomBytes(4).toString('hex')}`
  url.password = randomBytes(16).toString('hex')
  await database.query(`create role ${url.username} login noinherit password '${url.password}'`)
  await database.query(`grant mcp_operator to ${url.username}`)
  return url.href
}

function linesOf(variables: Environment): string {
  return `${Object.entries(variables)
    .map(([name, value]) => `${name}='${value}'`)
    .join('\n')}\n`
}

export async function openPlace(): Promise<Place> {
  const closers: (() => Promise<unknown>)[] = []
  const postgres = await startPostgres()
  closers.push(postgres.close)
  const adminUrl = await createDatabase(postgres.url)
  closers.push(() => dropDatabase(adminUrl))
  const jwtSecret = randomBytes(32).toString('base64url')
  const database = await startDatabase({ databaseUrl: adminUrl, jwtSecret })
  closers.push(database.close)
  const folder = await mkdtemp(join(tmpdir(), 'auth-agent-ops-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  const secrets = await makeWorkerSecrets()
  const mailbox = await startMailbox({ secret: secrets.EMAIL_WEBHOOK_SECRET })
  closers.push(mailbox.close)
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const envFile = join(folder, 'worker.env')
  await writeFile(envFile, `# The Worker's.\n${linesOf(workerVariables({ issuer, database, mailbox, secrets }))}`)
  const databaseUrl = await makeOperatorLogin(database, adminUrl)
  const variables = async () => parseEnv(await readFile(envFile, 'utf8')) as Record<string, string>
  let worker: RunningWorker | undefined
  const deploy = async () => {
    await worker?.close()
    worker = await runWorker(port, await variables())
  }
  closers.push(async () => worker?.close())
  await deploy()
  return {
    ...{ issuer, database, mailbox, databaseUrl, jwtSecret, envFile, folder, variables, deploy },
    ops: (args, env = { DATABASE_URL: databaseUrl }) => runOps([...args, '--env-file', envFile, '--as', 'alice'], env),
    close: async () => {
      for (const close of closers.toReversed()) await close()
    },
  }
}

/** A key of a role, as Supabase's older ones are. */
export const keyOf = (place: Place, role: string) => makeApiKey(role, place.jwtSecret)

/** The audit events of a kind, newest first. */
export function eventsOf(place: Place, event: string): Promise<Record<string, unknown>[]> {
  return place.database.query(
    `select reason, detail, user_agent from mcp_data.audit_events where event = '${event}' order by occurred_at desc`,
  )
}
