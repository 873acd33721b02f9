/** `npm run bench [-- --full] [-- --write] [-- --sdk] [-- --scale]`: see README.md in this folder. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bundle, makeBundle } from './bundle.ts'
import { countDatabaseCalls } from './database-calls.ts'
import { type Effort, measure } from './measure.ts'
import { optionsOrUsage } from './options.ts'
import { measurePythonOverhead } from './python-overhead.ts'
import { type Aim, type DatabaseResult, judge, type Results, report } from './report.ts'
import { measureScale } from './scale.ts'
import { makeScenarios } from './scenarios.ts'
import { measureSdkOverhead, type Overhead } from './sdk-overhead.ts'
import { sdkAims, sdkSection } from './sdk-report.ts'
import { type Bundles, type DatabaseKind, startUnderTest } from './under-test.ts'
import { readMemory } from './workerd.ts'

const page = join(import.meta.dirname, '../../docs/benchmarks.md')
const marker = '<!-- measured: everything below is written by `npm run bench -- --write` -->'

const values = optionsOrUsage('npm run bench -- [--full] [--write] [--sdk] [--scale]: see workers/bench/README.md', {
  full: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  sdk: { type: 'boolean', default: false },
  scale: { type: 'boolean', default: false },
})
const effort: Effort = values.full
  ? { rounds: 9, durationMs: 1500, callers: [1, 16, 64] }
  : { rounds: 5, durationMs: 300, callers: [1, 16, 64] }

async function measureDatabase(kind: DatabaseKind, bundles: Bundles): Promise<DatabaseResult> {
  process.stderr.write(`${kind} database: starting `)
  const underTest = await startUnderTest(kind, bundles)
  try {
    const { server } = underTest
    const serverIdle = readMemory(server.pid)
    const { scenarios, bare } = await makeScenarios(underTest)
    const measurements = await measure(scenarios, effort, () => process.stderr.write('.'))
    const memory = { serverIdle, server: readMemory(server.pid), bare: readMemory(bare.pid) }
    const databaseCalls = await countDatabaseCalls(scenarios, server)
    process.stderr.write(' done\n')
    return { kind, measurements, memory, databaseCalls }
  } finally {
    await underTest.close()
  }
}

/** The SDKs ask a real authorization server, once: after that they know the token. */
async function measureSdks(bundles: Bundles): Promise<Overhead[]> {
  process.stderr.write('SDKs: starting ')
  const underTest = await startUnderTest('embedded', bundles)
  try {
    const { tokens } = await makeScenarios(underTest)
    const token = tokens[0] ?? ''
    const rows = await measureSdkOverhead({ underTest, token })
    rows.push(...(await measurePythonOverhead(underTest, token)))
    process.stderr.write(' done\n')
    return rows
  } finally {
    await underTest.close()
  }
}

async function run(bundles: Bundles): Promise<Results> {
  const embedded = await measureDatabase('embedded', bundles)
  const real = await measureDatabase('real', bundles)
  const sdk = await measureSdks(bundles)
  const rounds = `${effort.rounds} rounds of ${effort.durationMs} ms`
  return { bundle: bundles.server, databases: [embedded, real], sdk, effort: rounds }
}

function tell(markdown: string, aims: readonly Aim[]): void {
  console.log(`\n${markdown}`)
  const missed = aims.filter(({ isMet }) => !isMet)
  console.log(
    missed.length === 0 ? 'Every aim is met.' : `Missed: ${missed.map(({ sentence }) => sentence).join('; ')}.`,
  )
}

function writePage(markdown: string): void {
  const text = readFileSync(page, 'utf8')
  const place = text.indexOf(marker)
  if (place === -1) throw new Error(`${page} has lost its marker`)
  writeFileSync(page, `${text.slice(0, place + marker.length)}\n\n${markdown}`)
}

function cleanUp(bundles: readonly Bundle[]): void {
  for (const { folder } of bundles) rmSync(folder, { recursive: true, force: true })
}

const bundles = { server: await makeBundle('src/index.ts'), bare: await makeBundle('bench/bare-worker.ts') }
try {
  if (values.scale) {
    await measureScale(bundles, values)
  } else if (values.sdk) {
    const rows = await measureSdks(bundles)
    tell(sdkSection(rows), sdkAims(rows))
  } else {
    const results = await run(bundles)
    const markdown = report(results)
    tell(markdown, judge(results))
    if (values.write) writePage(markdown)
  }
} finally {
  cleanUp(Object.values(bundles))
}
