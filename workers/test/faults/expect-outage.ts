import { readFile } from 'node:fs/promises'
import { expect } from 'vitest'
import type { Place } from '../workerd/place.ts'
import type { Around, Seen, StepName } from './journey.ts'

const pages: readonly StepName[] = ['authorize', 'sign-in', 'sign-in code', 'consent']

/** What nobody outside may read of what went wrong inside. */
const internals = /relation|upstream|10\.0\.0\.7|PGRST|postgres|mcp_data|fetch|canceling|read-only|timeout/i

/** 503 with Retry-After: JSON for programs, a page for people; and the reference stands in the log, with the cause. */
export async function expectOutage(place: Place, step: StepName, { status, headers, html }: Seen): Promise<void> {
  expect([step, status, headers.get('retry-after')]).toEqual([step, 503, '5'])
  const reference = headers.get('x-request-id') ?? ''
  expect(reference).toMatch(/^req_/)
  expect(html).not.toMatch(internals)
  if (pages.includes(step)) {
    expect(headers.get('content-type')).toContain('text/html')
    expect(html).toContain(reference)
  } else {
    expect(JSON.parse(html)).toMatchObject({ error: 'temporarily_unavailable' })
  }
  const line = await lineOf(place, reference)
  expect(line).toMatchObject({ level: 'error', status: 503, reason: 'store_unavailable' })
  expect(String(line?.cause)).toMatch(/^StoreUnavailable: /)
}

/** The line of a request in the Worker's log. */
export async function lineOf(place: Place, reference: string): Promise<Record<string, unknown> | undefined> {
  // All of it: much may have been written since. The last line may be half written.
  const find = async () => {
    const lines = (await readFile(place.worker().logPath, 'utf8')).split('\n').slice(0, -1)
    return lines.find((text) => text.includes(reference))
  }
  // workerd writes it beside the answer.
  await expect.poll(find).toBeDefined()
  return JSON.parse((await find()) ?? '{}') as Record<string, unknown>
}

/** At every step the fault strikes first, the caller is told, and the very same request succeeds once the fault is over. */
export function struckAtEachStep(place: Place, begin: () => unknown, end: () => unknown): Around {
  return async (step, send) => {
    await begin()
    const seen = await send()
    await end()
    await expectOutage(place, step, seen)
    return send()
  }
}
