// `npm start`: database, mailbox, authorization server and example on this machine, until Ctrl-C.
import { FolderInUse } from '../src/folder-lock.ts'
import { PortRefused } from '../src/http.ts'
import { MigrationConflict } from '../src/migrations.ts'
import { WrongFolder } from './data-folder.ts'
import { type Closer, ExampleFailed } from './example-programs.ts'
import { nextSteps } from './next-steps.ts'
import { startEverything } from './parts.ts'
import { readStartOptions, usage, WrongOption } from './start-options.ts'
import { WorkerFailed } from './worker-process.ts'

const forPeople = [FolderInUse, WrongFolder, PortRefused, MigrationConflict, ExampleFailed, WorkerFailed, WrongOption]

const closers: Closer[] = []
try {
  const options = readStartOptions(process.argv.slice(2))
  if (options === undefined) console.log(usage)
  else await runUntilAskedToStop(options)
} catch (error) {
  const isForPeople = error instanceof Error && forPeople.some((kind) => error instanceof kind)
  const wayOut = error instanceof MigrationConflict ? ' npm start -- --reset begins with an empty database.' : ''
  console.error(isForPeople ? `\n${error.message}${wayOut}` : error)
  process.exitCode = 1
}
for (const close of closers.toReversed()) await close()
// Whatever still waits for something belongs to a start that was interrupted.
process.exit()

async function runUntilAskedToStop(options: NonNullable<ReturnType<typeof readStartOptions>>): Promise<void> {
  const asked = askedToStop()
  const running = await Promise.race([startEverything(options, closers), asked])
  if (running === 'asked') return
  console.log(nextSteps(running.addresses))
  const ended = running.children.map(async ({ name, process: child }) => {
    await child.ended
    return { name, lines: child.lastLines() }
  })
  const first = await Promise.race([...ended, asked])
  if (first === 'asked') return
  console.error(`\nThe ${first.name} ended by itself:\n${first.lines}`)
  process.exitCode = 1
}

// A killed npm tells nobody; its death shows in the id of our parent.
function askedToStop(): Promise<'asked'> {
  const parent = process.ppid
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve('asked'))
    setInterval(() => process.ppid !== parent && resolve('asked'), 500).unref()
  })
}
