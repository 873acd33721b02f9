import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assemble } from '../assemble.ts'
import { run } from '../tools.ts'
import { readVersions, root } from '../versions.ts'
import { hasTools } from './has-tools.ts'

type Component = { name: string; version: string; purl: string; group?: string }
type Bill = { bomFormat: string; specVersion: string; metadata: { component: Component }; components?: Component[] }

const folder = mkdtempSync(join(tmpdir(), 'sbom-test-'))
const bills = new Map<string, Bill>()
beforeAll(async () => {
  if (!hasTools) return
  await assemble(folder)
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.cdx.json'))) {
    bills.set(name, JSON.parse(readFileSync(join(folder, name), 'utf8')))
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

function bill(name: string): Bill {
  const found = bills.get(`${name}.cdx.json`)
  if (found === undefined) throw new Error(`there is no bill of ${name}`)
  return found
}

const names = ({ components = [] }: Bill) =>
  components.map(({ group, name }) => (group === undefined ? name : `${group.replace(/^@?/, '@')}/${name}`)).sort()

test.skipIf(!hasTools)('O1 each bill names the package and the version that is released', () => {
  const version = readVersions()['sdk/typescript/package.json']
  const said = [...bills.values()].map(({ bomFormat, specVersion, metadata }) => [
    bomFormat,
    specVersion,
    metadata.component.version,
  ])
  expect(said).toEqual([1, 2, 3].map(() => ['CycloneDX', '1.6', version]))
})

test.skipIf(!hasTools)(
  'O1 the bill of the Worker lists every package that its notices know, and says where each comes from',
  () => {
    const notices = readFileSync(join(root, 'THIRD-PARTY-NOTICES.md'), 'utf8')
    const inWorker = [...notices.matchAll(/^## (\S+) (\S+)\n\n\S+, in the Worker\.$/gm)].map(([, name]) => name)
    expect(inWorker.length).toBeGreaterThan(4)
    const worker = bill('auth-agent-mcp-worker')
    expect(names(worker)).toEqual(expect.arrayContaining(inWorker))
    expect(worker.components?.filter(({ purl }) => !purl.startsWith('pkg:npm/'))).toEqual([])
  },
)

test.skipIf(!hasTools)(
  'O1 the TypeScript SDK stands on nothing, the Python SDK on Starlette and an HTTP client with what these need',
  () => {
    expect(names(bill('auth-agent-mcp-sdk'))).toEqual([])
    const python = names(bill('auth-agent-mcp-python'))
    expect(python).toEqual(expect.arrayContaining(['anyio', 'httpx', 'starlette']))
    expect(python.length).toBeLessThan(12)
  },
)

test.skipIf(!hasTools)(
  'O2 every file of the release has its digest beside it, the server is among them, and what changed is told',
  async () => {
    expect(await run('sh', '-c', `cd '${folder}' && sha256sum --check --strict SHA256SUMS`)).not.toContain('FAILED')
    const files = readdirSync(folder)
    expect(readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trim().split('\n')).toHaveLength(files.length - 1)
    const archive = files.find((name) => name.endsWith('.tar.gz')) ?? ''
    const inside = (await run('tar', '-tzf', join(folder, archive))).split('\n')
    const wanted = [
      'worker.js',
      'workerd',
      'serve-rpc.mjs',
      'migrate.mjs',
      'LICENSE',
      'THIRD-PARTY-NOTICES.md',
      'migrations/',
    ]
    expect(inside).toEqual(expect.arrayContaining(wanted.map((name) => `auth-agent-mcp/${name}`)))
    expect(readFileSync(join(folder, 'CHANGES.md'), 'utf8')).toMatch(/^### \w+\n\n- /)
  },
)
