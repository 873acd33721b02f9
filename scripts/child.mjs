import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A failure that is told in one sentence, without a stack. */
export class Sentence extends Error {}

/**
 * Runs a command with our terminal and gives its exit code. Signals go on to it, and when whoever started us dies
 * without telling (npm killed, for one), it is ended too.
 */
export function runInForeground(command, args, options) {
  return watchOver(spawn(command, args, { stdio: 'inherit', ...options }))
}

/** The same beside another command that has the terminal: gives its exit code with all it printed. */
export async function runBeside(command, args, options) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const read = readOutput(child)
  return { code: await watchOver(child), output: read() }
}

function watchOver(child) {
  const pass = (signal) => child.kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, pass)
  const ancestors = readAncestors()
  const watch = setInterval(() => readAncestors() !== ancestors && pass('SIGTERM'), 500)
  return new Promise((resolve) => {
    const end = (code) => {
      clearInterval(watch)
      for (const signal of signals) process.off(signal, pass)
      resolve(code)
    }
    child.on('error', () => end(127))
    child.on('close', (code) => end(code ?? 1))
  })
}

// Our parent, and the parent of the shell that npm puts between itself and us: a killed npm leaves that shell alive.
function readAncestors() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8')
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ', 2)[1]}`
  } catch {
    return `${process.ppid}`
  }
}

/** Runs a command silently and gives its exit code with all it printed; the output is for whoever has to tell. */
export function runQuietly(command, args, options) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const read = readOutput(child)
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output: read() }))
  })
}

function readOutput(child) {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  return () => output
}
