import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { prepareTools, run } from '../tools.ts'
import { root } from '../versions.ts'
import { hasTools } from './has-tools.ts'

const folder = join(root, '.github/workflows')
const workflows = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const)

describe.each(workflows)('the workflow %s', (_, text) => {
  test('O3 names each action by its digest', () => {
    const uses = [...text.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action)
    expect(uses.length).toBeGreaterThan(0)
    expect(uses.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(action))).toEqual([])
  })

  test('O3 grants nothing by itself, and each job says what it needs', () => {
    expect(text).toMatch(/^permissions: \{\}$/m)
    expect(text.match(/runs-on:/g)).toHaveLength(text.match(/^ {4}permissions:$/gm)?.length ?? 0)
    expect(text).not.toMatch(/pull_request_target|secrets\./)
  })

  test('O1 O2 takes nothing from a cache, and no tool without a digest', () => {
    expect(text).not.toMatch(/actions\/cache|cache: (?!false)/)
    expect([...text.matchAll(/pip install(?! --require-hashes)|npm install|npx /g)]).toEqual([])
  })
})

test('O2 whatever can write or prove who it is waits for the approval of a person', () => {
  const release = workflows.find(([name]) => name === 'release.yml')?.[1] ?? ''
  const jobs = release.split(/^ {2}(?=\w+:$)/m).filter((job) => job.includes('runs-on:'))
  const mighty = jobs.filter((job) => /: write\b/.test(job))
  expect(mighty.length).toBe(3)
  expect(mighty.filter((job) => !/^ {4}environment: /m.test(job) || !/^ {4}needs: test$/m.test(job))).toEqual([])
})

describe.skipIf(!hasTools)('zizmor', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'workflows-'))
  afterAll(() => rmSync(scratch, { recursive: true }))

  async function audit(path: string): Promise<string> {
    const options = ['--offline', '--no-progress', '--strict-collection', '--persona', 'pedantic']
    return run(join(await prepareTools(), 'zizmor'), ...options, path)
  }

  test('O2 O3 finds nothing in the workflows', async () => {
    await expect(audit(folder)).resolves.toContain('No findings to report')
  })

  test('O3 would find an action that is not pinned, and a file that it cannot read', async () => {
    const path = join(scratch, 'workflow.yml')
    const job = '  a:\n    runs-on: ubuntu-24.04\n    permissions: {}\n    steps: [{ uses: actions/checkout@v7 }]\n'
    writeFileSync(path, `on: push\njobs:\n${job}`)
    await expect(audit(path)).rejects.toThrow()
    writeFileSync(path, 'on: push: [')
    await expect(audit(path)).rejects.toThrow()
  })
})
