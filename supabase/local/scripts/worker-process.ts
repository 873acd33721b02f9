import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { writePrivate } from './data-folder.ts'
import { type GuardedProcess, startGuarded } from './guarded-process.ts'
import { root } from './root.ts'

export type WorkerSettings = { folder: string; port: number; variables: Readonly<Record<string, string>> }

const offline = {
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  CLOUDFLARE_INCLUDE_PROCESS_ENV: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
}

/** Runs the Worker under `wrangler dev`. Its variables go through a private file: a command line is public. */
export async function startWorker({ folder, port, variables }: WorkerSettings): Promise<GuardedProcess> {
  const envFile = join(folder, 'worker.env')
  await writePrivate(envFile, Object.entries(variables).map(envLine).join('\n'))
  const workers = join(root, 'workers')
  const wrangler = join(
    dirname(createRequire(join(workers, 'package.json')).resolve('wrangler/package.json')),
    'bin/wrangler.js',
  )
  const address = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0']
  const files = ['--env-file', envFile, '--persist-to', join(folder, 'worker')]
  return startGuarded({
    command: [process.execPath, wrangler, 'dev', ...address, ...files, '--show-interactive-dev-session=false'],
    cwd: workers,
    env: { ...offline, WRANGLER_LOG_PATH: join(folder, 'wrangler') },
    logFile: join(folder, 'worker.log'),
  })
}

// Single quotes: the file's reader takes everything between them as it is.
function envLine([name, value]: [string, string]): string {
  return `${name}='${value}'`
}

/** The Worker did not come up. The message says what it printed. */
export class WorkerFailed extends Error {}

/**
 * Waits until the Worker answers and its database is ready.
 * @throws WorkerFailed when it ended, or answered with a failure for 60 s
 */
export async function waitForWorker(worker: GuardedProcess, issuer: string): Promise<void> {
  let isOver = false
  void worker.ended.then(() => {
    isOver = true
  })
  const deadlineMs = Date.now() + 60_000
  let seen = 'nothing'
  while (!isOver && Date.now() < deadlineMs) {
    seen = await readinessOf(issuer)
    if (seen === 'ready') return
    await delay(50)
  }
  throw new WorkerFailed(
    `The authorization server did not start (${isOver ? 'it ended' : seen}):\n${worker.lastLines()}`,
  )
}

async function readinessOf(issuer: string): Promise<string> {
  try {
    const response = await fetch(`${issuer}/ready`, { signal: AbortSignal.timeout(5000) })
    return response.ok ? 'ready' : `status ${response.status}: ${await response.text()}`
  } catch {
    return 'no answer'
  }
}

/** Runs the Worker's scheduled handler every fifteen minutes, as its cron trigger would. */
export function startSchedule(issuer: string): NodeJS.Timeout {
  const run = () => fetch(`${issuer}/cdn-cgi/handler/scheduled`).then((response) => response.arrayBuffer())
  return setInterval(() => void run().catch(() => {}), 15 * 60 * 1000)
}
