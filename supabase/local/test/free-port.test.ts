import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { freePort } from '../src/free-port.ts'

// So many that some would come twice, were they not marked.
const count = 400
const program = `
  import { freePort } from ${JSON.stringify(join(import.meta.dirname, '../src/free-port.ts'))}
  const ports = []
  for (let asked = 0; asked < ${count}; asked += 1) ports.push(await freePort())
  console.log(JSON.stringify(ports))
  process.stdin.resume()
`

/** Asks in a process of its own, which lives on. */
async function askElsewhere(): Promise<{ ports: number[]; end: () => void }> {
  const running = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  running.catch(() => undefined)
  const { child } = running
  const said = await new Promise<string>((resolve) => child.stdout?.once('data', (chunk) => resolve(String(chunk))))
  return { ports: JSON.parse(said) as number[], end: () => child.kill() }
}

it('a port is given to nobody else while whoever asked for it lives, and can be listened on', async () => {
  const asked = await Promise.all(Array.from({ length: 4 }, askElsewhere))
  const ports = asked.flatMap((one) => one.ports)
  expect(ports).toHaveLength(4 * count)
  expect(new Set(ports).size).toBe(ports.length)
  const own = await freePort()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(own, '127.0.0.1', resolve))
  server.close()
  for (const { end } of asked) end()
})
