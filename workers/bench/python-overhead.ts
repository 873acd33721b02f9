/** The same for the Python SDK, whose servers and load are Python's: its own program measures, and tells the rows. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Overhead } from './sdk-overhead.ts'
import type { UnderTest } from './under-test.ts'

const folder = join(import.meta.dirname, '../../sdk/python')
const program = join(folder, 'bench/overhead.py')
const python = join(folder, '.venv/bin/python')

/**
 * Runs `sdk/python/bench/overhead.py`: it reads one JSON object from its input (`issuer`, `server_id`, `api_key`,
 * `server_url`, `token`) and writes a JSON list of rows (`framework`, `variant`, `microseconds`, `ratio`) as its output.
 * No rows where it, or the environment that `npm run check` makes for it, is not there.
 */
export function measurePythonOverhead({ issuer, ownServer }: UnderTest, token: string): Promise<Overhead[]> {
  if (!existsSync(program) || !existsSync(python)) return Promise.resolve([])
  const { server_id, api_key, server_url } = ownServer
  return new Promise((resolve, reject) => {
    const child = execFile(python, [program], { cwd: folder, timeout: 600_000 }, (error, stdout, stderr) =>
      error === null ? resolve(JSON.parse(stdout)) : reject(new Error(`${program} failed: ${stderr}`)),
    )
    child.stdin?.end(JSON.stringify({ issuer, server_id, api_key, server_url, token }))
  })
}
