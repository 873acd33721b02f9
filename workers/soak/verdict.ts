import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { FaultPlace } from '../test/faults/fault-place.ts'
import { type Ledger, timesOf } from './ledger.ts'

/** What was counted by those who asked, and what the database or the log holds. */
export type Count = { readonly what: string; readonly expected: number; readonly found: number }

const events = {
  'consent.granted': 'consent',
  'session.created': 'sign-in code',
  'authorization_code.redeemed': 'exchange',
  'connection.revoked': 'revoke',
} as const

const neverExpected = ['authorization_code.replayed', 'refresh.reused', 'code.failed', 'pkce.failed', 'key.refused']

export async function countAll(place: FaultPlace, ledger: Ledger, rowsBefore: Rows): Promise<Count[]> {
  const eventsFound = await eventCounts(place)
  const rows = await rowCounts(place)
  const [sums] = await place.query('select sum(generation)::integer as generations from mcp_data.connections')
  const log = await readLog(place.worker().logPath)
  const row = (what: string, expected: number, found: unknown): Count => ({ what, expected, found: Number(found ?? 0) })
  return [
    row('connections', timesOf(ledger, 'consent'), rows.connections),
    row('connections that were ended', timesOf(ledger, 'revoke'), rows.ended),
    row('generations', timesOf(ledger, 'exchange') + timesOf(ledger, 'refresh'), sums?.generations),
    ...Object.entries(events).map(([event, step]) => row(`events ${event}`, timesOf(ledger, step), eventsFound[event])),
    row('events refresh.retried', ledger.lostRotations, eventsFound['refresh.retried']),
    ...neverExpected.map((event) => row(`events ${event}`, 0, eventsFound[event])),
    row('clients that were stored', rowsBefore.clients, rows.clients),
    row('lines with status 503', ledger.injected, log.unavailable),
    row('lines with any other error', 0, log.otherErrors),
  ]
}

export type Rows = { readonly connections: number; readonly ended: number; readonly clients: number }

export async function rowCounts({ query }: FaultPlace): Promise<Rows> {
  const [row] = await query(`select (select count(*)::integer from mcp_data.connections) as connections,
    (select count(*)::integer from mcp_data.connections where revoked_at is not null) as ended,
    (select count(*)::integer from mcp_data.clients) as clients`)
  return { connections: Number(row?.connections), ended: Number(row?.ended), clients: Number(row?.clients) }
}

async function eventCounts({ query }: FaultPlace): Promise<Record<string, unknown>> {
  const rows = await query('select event, count(*)::integer as times from mcp_data.audit_events group by 1')
  return Object.fromEntries(rows.map(({ event, times }) => [String(event), times]))
}

async function readLog(path: string): Promise<{ unavailable: number; otherErrors: number }> {
  const counts = { unavailable: 0, otherErrors: 0 }
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (line.includes('"status":503')) counts.unavailable += 1
    else if (line.includes('"level":"error"')) counts.otherErrors += 1
  }
  return counts
}

/** Own memory of the Worker's process, sampled evenly. */
export type Memory = { readonly earlyMb: number; readonly lateMb: number; readonly isFlat: boolean }

/** What a heap of the size it is held to may still settle by. */
const settlesMb = 6

/** Early is the second fifth, because a new process finds its size first; late is the last. */
export function judgeMemory(samplesBytes: readonly number[]): Memory {
  const fifth = Math.floor(samplesBytes.length / 5)
  const [earlyMb, lateMb] = [samplesBytes.slice(fifth, 2 * fifth), samplesBytes.slice(-fifth)].map(medianMb)
  const [early = Number.NaN, late = Number.NaN] = [earlyMb, lateMb]
  return { earlyMb: early, lateMb: late, isFlat: late - early < settlesMb }
}

function medianMb(bytes: readonly number[]): number {
  const sorted = [...bytes].sort((one, other) => one - other)
  return (sorted[Math.floor(sorted.length / 2)] ?? Number.NaN) / 1_048_576
}
