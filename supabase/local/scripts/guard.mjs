// Runs a command for a parent and ends it, with everything that it started, when the parent dies, however it dies:
// our standard input is a pipe from the parent, and the system closes it then. Start it as a process group's leader.
//   node guard.mjs COMMAND ARGUMENT…
import { spawn } from 'node:child_process'

const patienceMs = 3000

const [command, ...args] = process.argv.slice(2)
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
let isEnding = false

function end() {
  if (isEnding) return
  isEnding = true
  signalGroup('SIGTERM')
  setTimeout(() => signalGroup('SIGKILL'), patienceMs)
}

function signalGroup(signal) {
  process.kill(-process.pid, signal)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end)
process.stdin.on('end', end).on('error', end).resume()
child.on('error', (error) => {
  console.error(error.message)
  process.exit(127)
})
// What the command left behind goes with it, and so do we.
child.on('exit', () => signalGroup('SIGKILL'))
