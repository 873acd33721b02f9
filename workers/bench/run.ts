/** `npm run bench [-- --full] [-- --write]`: see README.md in this folder. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Bundle, bundleWorker } from './bundle.ts'
import { countDatabaseCalls } from './database-calls.ts'
import { type Effort, measure } from './measure.ts'
import { type DatabaseResult, judge, type Results, report } from './report.ts'
import { makeScenarios } from './scenarios.ts'
import { measureSdkOverhead, type SdkOverhead } from './sdk-overhead.ts'
import { type Bundles, type DatabaseKind, startUnderTest } from './under-test.ts'
import { readMemory } from './workerd.ts'

const page = join(import.meta.dirname, '../../docs/benchmarks.md')
const marker = '<!-- measured: everything below is written by `npm run bench -- --write` -->'

const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
})
const effort: Effort = values.full
  ? { rounds: 9, durationMs: 1500, callers: [1, 16, 64] }
  : { rounds: 5, durationMs: 300, callers: [1, 16, 64] }

async function measureDatabase(kind: DatabaseKind, bundles: Bundles): Promise<DatabaseResult & { sdk: SdkOverhead }> {
  process.stderr.write(`${kind} database: starting `)
  const underTest = await startUnderTest(kind, bundles)
  try {
    const { server } = underTest
    const serverIdle = readMemory(server.pid)
    const { scenarios, bare, tokens } = await makeScenarios(underTest)
    const measurements = await measure(scenarios, effort, () => process.stderr.write('.'))
    const memory = { serverIdle, server: readMemory(server.pid), bare: readMemory(bare.pid) }
    const databaseCalls = await countDatabaseCalls(scenarios, server)
    const sdk = await measureSdkOverhead(underTest, tokens[0] ?? '')
    process.stderr.write(' done\n')
    return { kind, measurements, memory, databaseCalls, sdk }
  } finally {
    await underTest.close()
  }
}

async function run(bundles: Bundles): Promise<Results> {
  const embedded = await measureDatabase('embedded', bundles)
  const real = await measureDatabase('real', bundles)
  const rounds = `${effort.rounds} rounds of ${effort.durationMs} ms`
  return { bundle: bundles.server, databases: [embedded, real], sdk: real.sdk, effort: rounds }
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

const bundles = { server: bundleWorker('src/index.ts'), bare: bundleWorker('bench/bare-worker.ts') }
try {
  const results = await run(bundles)
  const markdown = report(results)
  console.log(`\n${markdown}`)
  if (values.write) writePage(markdown)
  const missed = judge(results).filter(({ isMet }) => !isMet)
  console.log(
    missed.length === 0 ? 'Every aim is met.' : `Missed: ${missed.map(({ sentence }) => sentence).join('; ')}.`,
  )
} finally {
  cleanUp(Object.values(bundles))
}
