/** Starts plain `workerd serve` and reads its CPU time and memory. Never `wrangler dev`: its proxy is 20 to 80 times slower. */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

export type Workerd = {
  port: number
  pid: number
  /** The file with everything the Worker logged. */
  logPath: string
  /** The last lines of it, newest last. */
  recentLog: () => readonly string[]
  stop: () => Promise<void>
}

export type WorkerdSettings = {
  /** Holds the Worker's modules, with `index.mjs` as the main one. What workerd needs besides is put there too. */
  folder: string
  compatibilityDate: string
  /** 0 lets the system choose. A Worker that must know its own issuer gets a port beforehand. */
  port: number
  bindings: Readonly<Record<string, string>>
  v8Flags?: readonly string[]
  /** What the Worker's own outbound network reaches; everything where it is not said. */
  outbound?: readonly ('public' | 'private' | 'local')[]
  /** Service bindings, each to what listens at an address of this machine. */
  services?: Readonly<Record<string, string>>
}

/** A Worker in production reaches the Internet alone; on one machine the database is local. */
const everywhere = ['public', 'private', 'local'] as const

function workerdBinary(): string {
  const wrangler = realpathSync(join(import.meta.dirname, '../node_modules/wrangler/package.json'))
  const workerd: unknown = createRequire(wrangler)('workerd')
  if (typeof workerd === 'object' && workerd !== null && 'default' in workerd && typeof workerd.default === 'string') {
    return workerd.default
  }
  throw new Error('the workerd package no longer names its binary')
}

function configuration(settings: WorkerdSettings): string {
  const { folder, compatibilityDate, port, v8Flags = [], outbound = everywhere, services = {} } = settings
  const texts = Object.entries(settings.bindings).map(
    ([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`,
  )
  const external = Object.entries(services).map(
    ([name, address]) => `(name = "to-${name}", external = (address = "${address}", http = ()))`,
  )
  const reached = Object.keys(services).map((name) => `(name = "${name}", service = "to-${name}")`)
  const names = readdirSync(folder).filter((name) => name.endsWith('.mjs') && name !== 'index.mjs')
  const modules = ['index.mjs', ...names].map((name) => `(name = "${name}", esModule = embed "${name}")`)
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ${JSON.stringify(v8Flags)},
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ${JSON.stringify(outbound)})),
    ${external.join(', ')} ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ] );
const main :Workerd.Worker = (
  modules = [ ${modules.join(', ')} ],
  compatibilityDate = "${compatibilityDate}",
  compatibilityFlags = ["global_fetch_strictly_public"],
  globalOutbound = "internet",
  bindings = [ ${[...texts, ...reached].join(', ')} ] );
`
}

// The shell tells workerd's pid on descriptor 4 and stops it when its own standard input ends: at the latest with this
// process, even if that is killed.
const supervisor = `
exec 5<&0
"$@" 4>&- 5<&- </dev/null &
server=$!
echo "$server" >&4
{ cat <&5 >/dev/null; kill "$server" 2>/dev/null; } &
wait "$server"
`

function readFrom(child: ChildProcess, descriptor: number, pattern: RegExp): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdio[descriptor]?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const found = pattern.exec(text)?.[1]
      if (found !== undefined) resolve(Number(found))
    })
    child.once('error', reject)
    child.once('exit', (status) => reject(new Error(`workerd ended with status ${status} before it listened`)))
  })
}

/** The end of a file that may be long. */
function readLastLines(path: string): string[] {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(8192)
    const read = readSync(file, bytes, 0, bytes.length, Math.max(0, fstatSync(file).size - bytes.length))
    return bytes.toString('utf8', 0, read).split('\n').filter(Boolean)
  } finally {
    closeSync(file)
  }
}

export async function startWorkerd(settings: WorkerdSettings): Promise<Workerd> {
  const configPath = join(settings.folder, 'workerd.capnp')
  writeFileSync(configPath, configuration(settings))
  const command = [workerdBinary(), 'serve', configPath, '--control-fd=3']
  // Into a file: whoever reads a pipe takes CPU time from what is measured.
  const logPath = join(settings.folder, 'workerd.log')
  const logFile = openSync(logPath, 'w')
  const child = spawn('/bin/sh', ['-c', supervisor, 'supervisor', ...command], {
    stdio: ['pipe', logFile, logFile, 'pipe', 'pipe'],
  })
  closeSync(logFile)
  const recentLog = (): string[] => readLastLines(logPath)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // The port comes on workerd's control descriptor.
  const [port, pid] = await Promise.all([
    readFrom(child, 3, /"listen"[^\n]*"port":(\d+)/),
    readFrom(child, 4, /(\d+)\n/),
  ]).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${recentLog().join('\n')}`)
  })
  const stop = (): Promise<void> => {
    child.stdin?.end()
    return ended
  }
  return { port, pid, logPath, recentLog, stop }
}

// sysconf(_SC_CLK_TCK) on every Linux that workerd runs on.
const clockTicksPerSecond = 100

/** User and system CPU of a process so far, in milliseconds (proc(5), fields 14 and 15; the clock ticks in 10 ms). */
export function readCpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / clockTicksPerSecond
}

/** Resident memory of a process in bytes: all of it, and the part that is not mapped from files. */
export function readMemory(pid: number): { residentBytes: number; anonymousBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024
  return { residentBytes: field('VmRSS'), anonymousBytes: field('RssAnon') }
}
