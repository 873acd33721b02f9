import type { Seen } from '../test/faults/journey.ts'

/** A time in which something was made to fail, in milliseconds of performance.now(). */
export type FaultWindow = { readonly kind: string; readonly beginMs: number; endMs: number }

/** What was asked, what came, and what was made to fail: kept by those who ask, to be held against the database. */
export type Ledger = {
  readonly done: Map<string, number>
  readonly windows: FaultWindow[]
  /** Requests that were answered 503 while something was made to fail. */
  injected: number
  /** Answers to rotations that the database gave and a fault kept from the Worker. */
  lostRotations: number
  /** Everything else that was no success. */
  readonly notInjected: string[]
}

export function openLedger(): Ledger {
  return { done: new Map(), windows: [], injected: 0, lostRotations: 0, notInjected: [] }
}

export const timesOf = ({ done }: Ledger, operation: string): number => done.get(operation) ?? 0

/** How often one request is made before it counts as lost: longer than any fault lasts. */
const tries = 20

/**
 * Makes a request until it succeeds, as a client does that comes again when it is told to: one that did not, would use up the ten
 * repetitions of a refresh while its answers are lost. 503 is borne while a fault is injected; any other
 * failure, and 503 at any other time, goes into the ledger.
 * @throws Error where the request never succeeds
 */
export async function insist(ledger: Ledger, operation: string, send: () => Promise<Seen>): Promise<Seen> {
  for (let count = 0; count < tries; count += 1) {
    const beginMs = performance.now()
    const seen = await send()
    if (seen.status < 400) {
      ledger.done.set(operation, timesOf(ledger, operation) + 1)
      return seen
    }
    const isInjected = seen.status === 503 && wasFaulty(ledger, beginMs, performance.now())
    if (isInjected) ledger.injected += 1
    else ledger.notInjected.push(`${operation} answered ${seen.status}: ${seen.html.slice(0, 300)}`)
    if (seen.status !== 503) break
    const waitMs = Number(seen.headers.get('retry-after')) * 1_000
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
  throw new Error(`${operation} never succeeded`)
}

function wasFaulty({ windows }: Ledger, beginMs: number, endMs: number): boolean {
  return windows.some((window) => window.beginMs <= endMs && window.endMs >= beginMs)
}
