import * as z from 'zod/mini'
import type { Call, Command } from './command.ts'
import { type Report, Sentence } from './report.ts'

const eventsPerCall = 1_000

const page = z.object({ events: z.array(z.record(z.string(), z.unknown())), next: z.optional(z.string()) })

function readMoment(text: string | undefined): string {
  const moment = new Date(text ?? '')
  if (Number.isNaN(moment.getTime()))
    throw new Sentence('Say from when and until when, for example 2026-11-01 2026-12-01.')
  return moment.toISOString()
}

/** Writes as it reads: a month may not fit into memory. */
async function exportEvents({ operands, operator, isDryRun, write }: Call): Promise<Report> {
  const [from, to] = [readMoment(operands[0]), readMoment(operands[1])]
  let count = 0
  for (let after: string | null = null, more = true; more; ) {
    const args = { p_from: from, p_to: to, p_after: after, p_limit: eventsPerCall }
    const { events, next }: z.infer<typeof page> = page.parse(await operator.call('export_events', args))
    count += events.length
    if (!isDryRun) await write(events.map((event) => `${JSON.stringify(event)}\n`).join(''))
    after = next ?? null
    more = next !== undefined
  }
  if (!isDryRun) return { isGood: true, lines: [], json: undefined }
  return { isGood: true, lines: [`${count} events.`], json: { events: count } }
}

export const auditCommands: readonly Command[] = [
  {
    name: 'audit export',
    operands: ['from', 'to'],
    says: 'Writes the audit events of a span as JSON Lines, oldest first. A dry run counts them.',
    run: exportEvents,
  },
]
