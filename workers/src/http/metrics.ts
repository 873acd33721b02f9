import { type Alarm, alarmOf, alarms } from './alarms.ts'
import type { JobLine, LogLine, RequestLine } from './log.ts'

/** Durations of one route; `buckets` holds one count for each bound, and what is above all of them. */
export type Durations = { readonly buckets: number[]; sumMs: number }

/** Counts since this isolate began, keyed by their labels in the order in which they are named. */
export type Counts = {
  readonly startedAtMs: number
  /** By route, method, status and reason. */
  readonly requests: Map<string, number>
  readonly durations: Map<string, Durations>
  /** By route. */
  readonly databaseCalls: Map<string, number>
  readonly events: Map<string, number>
  /** Each is there from the beginning: the first one is an increase too. */
  readonly alarms: Map<Alarm, number>
  /** By job and outcome. The label is `task`, because Prometheus has its own `job`. */
  readonly jobRuns: Map<string, number>
  /** By job and kind of row. */
  readonly jobRows: Map<string, number>
}

/** Upper bounds of durations, in milliseconds. */
export const boundsMs = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const

/** Routes, statuses and reasons are closed lists, so this is never reached: a guard for memory, whatever a caller does. */
const seriesCap = 2_000

/** Between labels: no route, method or reason holds it. */
export const labelSeparator = '\n'

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** A caller may invent methods; as labels they would have no end. */
export function knownMethod(method: string): string {
  return methods.has(method) ? method : 'other'
}

export function createCounts(startedAtMs: number): Counts {
  return {
    startedAtMs,
    requests: new Map(),
    durations: new Map(),
    databaseCalls: new Map(),
    events: new Map(),
    alarms: new Map(alarms.map((alarm) => [alarm, 0])),
    jobRuns: new Map(),
    jobRows: new Map(),
  }
}

/** Counts one log line: what the log tells one by one, the counts tell in sum. */
export function countLine(counts: Counts, line: LogLine): void {
  const alarm = alarmOf(line)
  if (alarm !== undefined) add(counts.alarms, alarm, 1)
  if ('route' in line) countRequest(counts, line)
  else if ('job' in line) countJob(counts, line)
}

function countRequest(
  counts: Counts,
  { route, method, status, reason = '', event, ms, database_calls }: RequestLine,
): void {
  add(counts.requests, `${route}\n${knownMethod(method)}\n${status}\n${reason}`, 1)
  add(counts.databaseCalls, route, database_calls)
  if (event !== undefined) add(counts.events, event, 1)
  let durations = counts.durations.get(route)
  if (durations === undefined) {
    durations = { buckets: new Array<number>(boundsMs.length + 1).fill(0), sumMs: 0 }
    counts.durations.set(route, durations)
  }
  const place = boundsMs.findIndex((bound) => ms <= bound)
  const bucket = place === -1 ? boundsMs.length : place
  durations.buckets[bucket] = (durations.buckets[bucket] ?? 0) + 1
  durations.sumMs += ms
}

function countJob({ jobRuns, jobRows }: Counts, { job, level, rows }: JobLine): void {
  add(jobRuns, `${job}\n${level === 'error' ? 'failed' : 'succeeded'}`, 1)
  for (const [kind, count] of Object.entries(rows)) add(jobRows, `${job}\n${kind}`, count)
}

function add<Key extends string>(series: Map<Key, number>, key: Key, count: number): void {
  const known = series.get(key)
  if (known === undefined && series.size >= seriesCap) return
  series.set(key, (known ?? 0) + count)
}
