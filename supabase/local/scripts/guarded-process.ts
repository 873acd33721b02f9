import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type GuardedProcess = {
  /** Settles when the process has ended, for whatever reason. */
  ended: Promise<void>
  /** The last lines it printed. */
  lastLines: () => string
  stop: () => Promise<void>
}

export type GuardedCommand = {
  command: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  /** Takes what the process prints; begins anew at every start. */
  logFile: string
}

/** Starts a process that ends when we end, even by SIGKILL. */
export function startGuarded({ command, cwd, env, logFile }: GuardedCommand): GuardedProcess {
  const log = openSync(logFile, 'w', 0o600)
  const child = spawn(process.execPath, [join(import.meta.dirname, 'guard.mjs'), ...command], {
    cwd,
    env: { ...process.env, ...env },
    // Out of our process group: Ctrl-C reaches us alone, and we end the children in order.
    detached: true,
    stdio: ['pipe', log, log],
  })
  closeSync(log)
  const ended = once(child, 'exit').then(() => {})
  return {
    ended,
    lastLines: () => readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20).join('\n'),
    stop: () => {
      child.stdin?.end()
      return ended
    },
  }
}
