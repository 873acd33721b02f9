import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'

const module = new URL('../local/src/postgres.ts', import.meta.url).href

/** Starts a PostgreSQL of its own in a process of its own, which then does what `then` says. */
async function startInChild(then: string) {
  const script = `const p = await (await import(${JSON.stringify(module)})).startPostgres(); console.log(p.url); ${then}`
  const { DATABASE_URL: _given, ...env } = process.env
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [url] = await once(createInterface(child.stdout), 'line')
  return { child, port: Number(new URL(String(url)).port) }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function untilGone(port: number): Promise<void> {
  while (await answers(port)) await new Promise((resolve) => setImmediate(resolve))
}

const folders = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('auth-agent-postgres-'))

test('close stops the server, removes its folder and lets the process end', async () => {
  const before = new Set(await folders())
  const { child, port } = await startInChild('await p.close()')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(await answers(port)).toBe(false)
  expect((await folders()).filter((name) => !before.has(name))).toEqual([])
})

test('a killed process leaves no server behind (kill -9)', async () => {
  const { child, port } = await startInChild('await new Promise(() => setInterval(() => {}, 1000))')
  expect(await answers(port)).toBe(true)
  child.kill('SIGKILL')
  await untilGone(port)
})
