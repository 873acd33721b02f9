import { cpus } from 'node:os'
import type { Bundle } from './bundle.ts'
import type { Measurement } from './measure.ts'
import type { Overhead } from './sdk-overhead.ts'
import { sdkAims, sdkSection } from './sdk-report.ts'
import { table } from './table.ts'
import type { DatabaseKind } from './under-test.ts'

export type Memory = { residentBytes: number; anonymousBytes: number }
export type DatabaseResult = {
  kind: DatabaseKind
  measurements: readonly Measurement[]
  memory: { server: Memory; serverIdle: Memory; bare: Memory }
  /** Calls of one request, by scenario, as the Worker's own log lines tell them. */
  databaseCalls: Readonly<Record<string, number>>
}
export type Results = { bundle: Bundle; databases: readonly DatabaseResult[]; sdk: readonly Overhead[]; effort: string }
export type Aim = { sentence: string; measured: string; isMet: boolean }

const aims = { live: 0.8, garbage: 0.5, memoryMib: 64, bundleKb: 120 }
const databaseNames = { embedded: 'Embedded database (PGlite in memory)', real: 'Real PostgreSQL (fsync on)' } as const

const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(0)

function ratiosOf(results: Results, name: string): { text: string; least: number } {
  const found = results.databases.flatMap(({ measurements }) => measurements.filter((one) => one.name === name))
  const ratios = found.map(({ ratio }) => ratio ?? 0)
  return { text: ratios.map((ratio) => ratio.toFixed(2)).join(' · '), least: Math.min(...ratios) }
}

/** What the project set out to reach, and whether this run did. */
export function judge(results: Results): Aim[] {
  const live = ratiosOf(results, 'introspect live')
  const garbage = ratiosOf(results, 'introspect garbage')
  const anonymous = Math.max(...results.databases.map(({ memory }) => memory.server.anonymousBytes))
  const resident = Math.max(...results.databases.map(({ memory }) => memory.server.residentBytes))
  const gzipKb = results.bundle.atStartGzipBytes / 1000
  return [
    {
      sentence: `Live introspection reaches ${aims.live} of the bare RPC call's rate`,
      measured: live.text,
      isMet: live.least >= aims.live,
    },
    {
      sentence: `Introspection of garbage reaches ${aims.garbage} of the bare JSON route's rate`,
      measured: garbage.text,
      isMet: garbage.least >= aims.garbage,
    },
    {
      sentence: `workerd's own memory after load is at most ${aims.memoryMib} MiB`,
      measured: `${mib(anonymous)} MiB (resident ${mib(resident)} MiB with the pages of its executable)`,
      isMet: anonymous <= aims.memoryMib * 1_048_576,
    },
    {
      sentence: `What is loaded at start-up is under ${aims.bundleKb} kB gzipped`,
      measured: `${gzipKb.toFixed(1)} kB`,
      isMet: gzipKb < aims.bundleKb,
    },
    ...sdkAims(results.sdk),
  ]
}

function row(measurement: Measurement, calls: Readonly<Record<string, number>>): string[] {
  const { name, callers, perSecond, p50Ms, p99Ms, cpuMsPerRequest, besides, ratio } = measurement
  const share = ratio === undefined ? '' : `${ratio.toFixed(2)} of ${besides}`
  const databaseCalls = calls[name]
  return [
    name,
    String(callers),
    perSecond.toFixed(0),
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    cpuMsPerRequest === undefined ? '' : cpuMsPerRequest.toFixed(2),
    databaseCalls === undefined ? '' : String(databaseCalls),
    share,
  ]
}

function databaseSection({ kind, measurements, memory, databaseCalls }: DatabaseResult): string {
  const header = ['request', 'callers', 'per second', 'p50 ms', 'p99 ms', 'CPU ms', 'database calls', 'rate beside']
  const ofMemory = (name: string, { residentBytes, anonymousBytes }: Memory): string[] => [
    name,
    mib(residentBytes),
    mib(anonymousBytes),
  ]
  return `## ${databaseNames[kind]}

${table(
  header,
  measurements.map((measurement) => row(measurement, databaseCalls)),
)}

${table(['workerd, MiB', 'resident', 'own'], [ofMemory('idle', memory.serverIdle), ofMemory('after load', memory.server), ofMemory('the bare Worker, after load', memory.bare)])}`
}

/** The whole result as Markdown: what the terminal shows is what the page holds. */
export function report(results: Results): string {
  const { bundle, databases, sdk, effort } = results
  const rows = judge(results).map(({ sentence, measured, isMet }) => [sentence, measured, isMet ? 'met' : '**missed**'])
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'CPU'}, Node ${process.versions.node}, ${effort}`
  return `Measured on ${machine}. Load generator, workerd and database share the machine, so rates are comparable only
within one table. Shares are medians over interleaved rounds; the aims list them for 1, 16 and 64 callers on the embedded
database, then on the real one.

${table(['aim', 'measured', ''], rows)}

${databases.map(databaseSection).join('\n\n')}

## The SDKs

${sdkSection(sdk)}

## Bundle

At start-up the Worker loads ${(bundle.atStartGzipBytes / 1000).toFixed(1)} kB gzipped; with what people's pages and the management of servers
need it is ${(bundle.gzipBytes / 1000).toFixed(1)} kB.
`
}
