import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { reachableBinaries } from '../local/src/postgres.ts'

const module = new URL('../local/src/postgres.ts', import.meta.url).href

/** Starts a PostgreSQL of its own in a process of its own, which then does what `then` says. */
async function startInChild(then: string, variables: Readonly<Record<string, string>> = {}) {
  const script = `const p = await (await import(${JSON.stringify(module)})).startPostgres(); console.log(p.url); ${then}`
  const { DATABASE_URL: _given, ...env } = process.env
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...env, ...variables },
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

test('close stops the server, removes its folder and lets the process end', async () => {
  // A temporary folder of its own: other servers of this run come and go in the common one.
  const own = await mkdtemp(join(tmpdir(), 'auth-agent-own-'))
  await chmod(own, 0o711)
  onTestFinished(() => rm(own, { recursive: true }))
  const { child, port } = await startInChild('await p.close()', { TMPDIR: own })
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(await answers(port)).toBe(false)
  expect((await readdir(own)).filter((name) => name.startsWith('auth-agent-'))).toEqual([])
})

test('a killed process leaves no server behind (kill -9)', async () => {
  const { child, port } = await startInChild('await new Promise(() => setInterval(() => {}, 1000))')
  expect(await answers(port)).toBe(true)
  child.kill('SIGKILL')
  await untilGone(port)
})

test('binaries in a home that others cannot enter are copied with links that stay inside the copy', async () => {
  const home = await mkdtemp(join(tmpdir(), 'auth-agent-home-')) // mode 0700
  onTestFinished(() => rm(home, { recursive: true }))
  const native = join(home, 'native')
  await mkdir(join(native, 'bin'), { recursive: true })
  await writeFile(join(native, 'bin/postgres'), 'the server')
  await symlink('postgres', join(native, 'bin/postmaster'))
  const copy = await reachableBinaries(native, await mkdtemp(join(home, 'run-')), { uid: 1, gid: 1 })
  expect(copy).not.toBe(native)
  expect(await readlink(join(copy, 'bin/postmaster'))).toBe('postgres')
  expect(await readFile(join(copy, 'bin/postmaster'), 'utf8')).toBe('the server')
})
