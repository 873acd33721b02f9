import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export const root = join(import.meta.dirname, '../../..')

export type Part = { readonly output: () => string; readonly stop: () => Promise<void> }
type Environment = Readonly<Record<string, string>>

function start(folder: string, command: readonly string[], env: Environment): { child: ChildProcess } & Part {
  const [program = '', ...args] = command
  // Nothing of this process's environment: what a part needs must be among what its unit is given.
  const child = spawn(program, args, { cwd: folder, env: { PATH: process.env.PATH ?? '', ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = once(child, 'close')
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  return { child, output: () => output, stop }
}

/** Runs one part to its end and gives what it printed. */
export async function runPart(folder: string, command: readonly string[], env: Environment): Promise<string> {
  const { child, output } = start(folder, command, env)
  const [status] = await once(child, 'close')
  if (status !== 0) throw new Error(`${command.join(' ')} ended with status ${status}:\n${output()}`)
  return output()
}

/** Starts one part and waits until this URL answers at all. */
export async function startPart(
  folder: string,
  command: readonly string[],
  env: Environment,
  url: string,
): Promise<Part> {
  const part = start(folder, command, env)
  let isOver = false
  part.child.once('close', () => {
    isOver = true
  })
  while (!(await answers(url))) {
    if (isOver) throw new Error(`${command.join(' ')} ended:\n${part.output()}`)
    await delay(25)
  }
  return part
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  )
}

/** Reads what `make-secrets` prints, as systemd and containers read it. */
export function readEnvironmentFile(text: string): Record<string, string> {
  const lines = [...text.matchAll(/^([A-Z_]+)='([^']*)'$/gm)]
  return Object.fromEntries(lines.map(([, name = '', value = '']) => [name, value]))
}
