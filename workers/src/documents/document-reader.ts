import { createLru } from '../crypto/lru.ts'
import { freshSeconds, longestLifetimeSeconds } from './cache-lifetime.ts'
import { type AllowedUrl, checkDocumentUrl, type UrlPolicy } from './document-url.ts'
import { callHost, type HostSettings } from './host-budget.ts'

/** A sort of document: its size limit, and the reading that makes a value of it or says what is wrong. */
export type DocumentKind<Value> = {
  readonly maximumBytes: number
  readonly read: (json: unknown, url: string) => { readonly value: Value } | { readonly problem: string }
}

export type DocumentResult<Value> =
  | { readonly outcome: 'read'; readonly value: Value; readonly source: 'fetched' | 'cached' | 'stale' }
  /** The URL itself is not one we call: nothing was fetched. */
  | { readonly outcome: 'refused'; readonly detail: string }
  /** The network, the host or the budget: one and the same in public, the detail is for the log. */
  | { readonly outcome: 'unavailable'; readonly detail: string }
  /** The host answered, and the document is wrong: the detail may be told. */
  | { readonly outcome: 'invalid'; readonly detail: string }

/** What a request brings along when it causes a call to a stranger's host. */
export type ReadOptions = {
  /** For the caller's own count of calls: runs before the host is called, and may throw. */
  readonly beforeFetch?: () => Promise<void>
  /** Lets the call go on when its caller goes away, because others may be waiting for it by then. */
  readonly keepAlive?: (call: Promise<unknown>) => void
}

export type DocumentReader<Value> = {
  readonly read: (url: string, options?: ReadOptions) => Promise<DocumentResult<Value>>
  /** Past what is remembered, at most once a minute for each URL: for who found that what is remembered is too old. */
  readonly readAgain: (url: string, options?: ReadOptions) => Promise<DocumentResult<Value>>
}

export type ReaderSettings = HostSettings & {
  readonly policy: UrlPolicy
  readonly maximumEntries: number
  /** How long a failure is remembered: long enough to stop a loop, short enough that a mended document works at once. */
  readonly failureSeconds: number
}

type Entry<Value> = {
  readonly value: Value
  readonly fetchedAtSeconds: number
  readonly freshUntilSeconds: number
  readonly staleUntilSeconds: number
}
type Failure = { readonly outcome: 'unavailable' | 'invalid'; readonly detail: string }
type Flight<Value> = { readonly call: Promise<DocumentResult<Value>>; readonly overAtSeconds: number }

/** How long a document is not fetched again, whoever says that it is too old. */
const shortestAgeSeconds = 60

/** Waits for a call that another request began, but not for ever: a Worker may end with the request that began it. */
async function join<Value>(running: Promise<DocumentResult<Value>>, timeoutMs: number): Promise<DocumentResult<Value>> {
  let timer: ReturnType<typeof setTimeout> | null = null
  const end = new Promise<DocumentResult<Value>>((resolve) => {
    const gone = { outcome: 'unavailable', detail: 'the request that was under way did not end' } as const
    timer = setTimeout(() => resolve(gone), timeoutMs)
  })
  try {
    return await Promise.race([running, end])
  } finally {
    clearTimeout(timer)
  }
}

/** What is known of each URL without a call: validated values, and failures for a short while. */
function createMemory<Value>(settings: ReaderSettings) {
  const values = createLru<Entry<Value>>(settings)
  const failures = createLru<Failure & { readonly untilSeconds: number }>(settings)
  /** When the host is down, a value that was validated within the last day still counts (THREATS E22). */
  const staleOr = (url: string, failure: Failure): DocumentResult<Value> => {
    const known = values.get(url)
    return known !== undefined && settings.nowSeconds() < known.staleUntilSeconds
      ? { outcome: 'read', value: known.value, source: 'stale' }
      : { outcome: failure.outcome, detail: failure.detail }
  }
  return {
    staleOr,
    /** What is known is believed until it is no longer fresh, or only while it is younger than a minute. */
    recall: (url: string, until: 'fresh' | 'minute'): DocumentResult<Value> | undefined => {
      const now = settings.nowSeconds()
      const known = values.get(url)
      if (known !== undefined) {
        const end = until === 'fresh' ? known.freshUntilSeconds : known.fetchedAtSeconds + shortestAgeSeconds
        if (now < end) return { outcome: 'read', value: known.value, source: 'cached' }
      }
      const failure = failures.get(url)
      return failure !== undefined && now < failure.untilSeconds ? staleOr(url, failure) : undefined
    },
    keep: (url: string, value: Value, seconds: number): DocumentResult<Value> => {
      const now = settings.nowSeconds()
      const staleUntilSeconds = now + longestLifetimeSeconds
      values.set(url, { value, fetchedAtSeconds: now, freshUntilSeconds: now + seconds, staleUntilSeconds })
      failures.delete(url)
      return { outcome: 'read', value, source: 'fetched' }
    },
    fail: (url: string, failure: Failure): DocumentResult<Value> => {
      failures.set(url, {
        outcome: failure.outcome,
        detail: failure.detail,
        untilSeconds: settings.nowSeconds() + settings.failureSeconds,
      })
      // A host that answers with a wrong document has changed its mind: only silence is bridged with what it said before.
      if (failure.outcome === 'invalid') values.delete(url)
      return staleOr(url, failure)
    },
  }
}

/** One call at a time for each URL; a call whose end nobody saw, because its Worker ended, blocks nobody for long. */
function createFlights<Value>({ nowSeconds, timeoutMs }: ReaderSettings) {
  const underway = new Map<string, Flight<Value>>()
  const lifeSeconds = Math.ceil(timeoutMs / 1_000) + 1
  return {
    find: (url: string): Flight<Value> | undefined => {
      const flight = underway.get(url)
      if (flight === undefined || nowSeconds() < flight.overAtSeconds) return flight
      underway.delete(url)
      return undefined
    },
    begin: (url: string, call: Promise<DocumentResult<Value>>): Promise<DocumentResult<Value>> => {
      const flight = { call, overAtSeconds: nowSeconds() + lifeSeconds }
      underway.set(url, flight)
      return call.finally(() => {
        if (underway.get(url) === flight) underway.delete(url)
      })
    },
  }
}

/**
 * Reads one kind of document with a bounded memory keyed by the exact URL (THREATS E15): validated values only, for five
 * minutes to a day; failures for a minute at most; one call at a time for each URL.
 */
export function createDocumentReader<Value>(
  kind: DocumentKind<Value>,
  settings: ReaderSettings,
): DocumentReader<Value> {
  const memory = createMemory<Value>(settings)
  const flights = createFlights<Value>(settings)
  const load = async (url: string, allowed: AllowedUrl): Promise<DocumentResult<Value>> => {
    const fetched = await callHost(allowed, kind.maximumBytes, settings)
    // Says nothing of the host, so nothing of it is remembered.
    if (fetched.outcome === 'spent') return memory.staleOr(url, { outcome: 'unavailable', detail: fetched.detail })
    if (fetched.outcome !== 'fetched') return memory.fail(url, fetched)
    const reading = kind.read(fetched.json, url)
    if ('problem' in reading) return memory.fail(url, { outcome: 'invalid', detail: reading.problem })
    return memory.keep(url, reading.value, freshSeconds(fetched.cacheControl, fetched.age))
  }
  const readUnless =
    (until: 'fresh' | 'minute'): DocumentReader<Value>['read'] =>
    async (url, { beforeFetch, keepAlive } = {}) => {
      const recalled = memory.recall(url, until)
      if (recalled !== undefined) return recalled
      const checked = checkDocumentUrl(url, settings.policy)
      if (checked.outcome === 'refused') return { outcome: 'refused', detail: checked.problem }
      if (flights.find(url) === undefined) await beforeFetch?.()
      const running = flights.find(url)
      if (running !== undefined) return join(running.call, settings.timeoutMs)
      const call = flights.begin(url, load(url, checked))
      keepAlive?.(call)
      return call
    }
  return { read: readUnless('fresh'), readAgain: readUnless('minute') }
}
