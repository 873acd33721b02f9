import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { preparePython, pythonExample } from '../../../scripts/python.mjs'
import { type Closer, ExampleFailed, makePythonEnvironment } from '../scripts/example-programs.ts'

// A folder whose name no other process has.
let folder: string
let closers: Closer[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'python-environment-'))
  await writeFile(join(folder, 'requirements.txt'), '')
  closers = []
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closers) await close()
  await rm(folder, { recursive: true, force: true })
})

const make = () => {
  const environment = { folder, requirements: join(folder, 'requirements.txt'), sources: [folder] }
  return makePythonEnvironment(environment, join(folder, 'environment.log'), closers)
}

/** Something that is called as Python is, and answers as this script does. */
async function pretendPython(script: string): Promise<void> {
  const file = join(folder, 'pretended-python')
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
  vi.stubEnv('PYTHON', file)
}

async function processesNaming(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes(text))
}

const hasPython = await preparePython({ env: process.env }, pythonExample).then(
  () => true,
  () => false,
)

describe.runIf(process.platform === 'linux' && hasPython)('the environment of the Python example', () => {
  it('is made once, and finds the modules of its sources', async () => {
    await writeFile(join(folder, 'own_module.py'), 'WORD = "here"')
    const python = await make()
    expect(execFileSync(python, ['-c', 'import own_module; print(own_module.WORD)'], { encoding: 'utf8' })).toBe(
      'here\n',
    )
    vi.stubEnv('PYTHON', '/nowhere/python')
    expect(await make()).toBe(python)
  })

  it('says in a sentence that there is no Python', async () => {
    vi.stubEnv('PYTHON', '/nowhere/python')
    await expect(make()).rejects.toThrow(ExampleFailed)
    await expect(make()).rejects.toThrow(
      /^The Python example cannot be started\.\nPython 3\.10 or newer was not found as \S+: .*$/,
    )
  })

  it('says in a sentence that Python is too old', async () => {
    await pretendPython('echo 3 9; echo whole')
    await expect(make()).rejects.toThrow('Python 3.10 or newer was not found')
  })

  it('says in a sentence that Python lacks venv', async () => {
    await pretendPython('echo 3 12; exit 1')
    await expect(make()).rejects.toThrow('has no venv module: install it')
  })

  it('says what pip said when no package can be had', async () => {
    await writeFile(join(folder, 'requirements.txt'), `fastapi==0.165.0 --hash=sha256:${'0'.repeat(64)}\n`)
    vi.stubEnv('PIP_INDEX_URL', 'http://localhost:9/simple')
    vi.stubEnv('PIP_FIND_LINKS', '')
    vi.stubEnv('PIP_RETRIES', '0')
    await expect(make()).rejects.toThrow(
      /No matching distribution found[\s\S]*pip could not install \S+requirements\.txt \(exit code 1\)\.$/,
    )
  })

  it('leaves no process behind when it is interrupted', async () => {
    await pretendPython('case "$*" in *ensurepip*) echo 3 12; echo whole;; *) sleep 600 & sleep 600;; esac')
    const making = make()
    making.catch(() => {})
    while (!(await processesNaming(`${folder}/.venv`)).some((line) => line.includes('venv\0--clear'))) await delay(20)
    for (const close of closers) await close()
    await expect(making).rejects.toThrow(ExampleFailed)
    expect(await processesNaming(folder)).toEqual([])
  })
})
