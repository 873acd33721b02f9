import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from 'auth-agent-mcp-local/src/free-port.ts'

export type Ports = { server: number; mailbox: number; example: number }

export type Started = {
  /** npm itself, not what it starts. */
  npm: ChildProcess
  output: () => string
  ended: Promise<number | null>
}

const root = join(import.meta.dirname, '../../..')

/** Three free ports. */
export async function freePorts(): Promise<Ports> {
  return { server: await freePort(), mailbox: await freePort(), example: await freePort() }
}

/** `npm start` as a person types it, with these options; its own process group, as in a terminal. */
export function npmStart(folder: string, ports: Ports, ...options: string[]): Started {
  const places = ['--port', ports.server, '--mailbox-port', ports.mailbox, '--example-port', ports.example].map(String)
  const npm = spawn('npm', ['start', '--', '--data', folder, ...places, ...options], { cwd: root, detached: true })
  let output = ''
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return { npm, output: () => output, ended: once(npm, 'close').then(([code]) => code) }
}

/** Waits for the last thing that a start prints. */
export async function untilReady(started: Started): Promise<void> {
  let isOver = false
  void started.ended.then(() => {
    isOver = true
  })
  while (!started.output().includes('Register a server of your own')) {
    if (isOver) throw new Error(`npm start ended:\n${started.output()}`)
    await delay(50)
  }
}

/** The processes that have the folder in their command line or their environment: all of ours. */
export async function processesOf(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const own = await Promise.all(pids.map(async (pid) => (await mentions(pid, folder)) && pid !== process.pid))
  return pids.filter((_, index) => own[index])
}

async function mentions(pid: number, folder: string): Promise<boolean> {
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
  return `${await read('cmdline')}${await read('environ')}`.includes(folder)
}

/** Waits until none of them is left. */
export async function untilGone(folder: string): Promise<void> {
  while ((await processesOf(folder)).length > 0) await delay(50)
}

/** The process that holds everything together, below npm and its shell. */
export async function keeperOf(folder: string): Promise<number> {
  for (const pid of await processesOf(folder)) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
    if (words[1]?.endsWith('scripts/start.ts')) return pid
  }
  throw new Error('nothing runs start.ts')
}
