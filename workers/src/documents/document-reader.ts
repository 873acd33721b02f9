import { freshSeconds, longestLifetimeSeconds } from './cache-lifetime.ts'
import { checkDocumentUrl, type UrlPolicy } from './document-url.ts'
import { type FetchSettings, fetchJson } from './fetch-document.ts'
import type { HostBudget } from './host-budget.ts'
import { createLru } from './lru.ts'

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

/** `beforeFetch` is for the caller's own count of calls: it runs before the host is called, and may throw. */
export type DocumentReader<Value> = (url: string, beforeFetch?: () => Promise<void>) => Promise<DocumentResult<Value>>

export type ReaderSettings = FetchSettings & {
  readonly policy: UrlPolicy
  readonly budget: HostBudget
  readonly nowSeconds: () => number
  readonly maximumEntries: number
  /** How long a failure is remembered: long enough to stop a loop, short enough that a mended document works at once. */
  readonly failureSeconds: number
}

type Entry<Value> = { readonly value: Value; readonly freshUntilSeconds: number; readonly staleUntilSeconds: number }
type Failure = { readonly outcome: 'unavailable' | 'invalid'; readonly detail: string }

/**
 * Waits for a request that another caller began. Workers cancel a request's work when its caller goes away, and the promise
 * then never settles: so the wait has an end of its own.
 */
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

async function fetchAndRead<Value>(url: string, kind: DocumentKind<Value>, settings: ReaderSettings) {
  const checked = checkDocumentUrl(url, settings.policy)
  if (checked.outcome === 'refused') return { outcome: 'refused', detail: checked.problem } as const
  const { host } = checked.url
  if (!settings.budget.take(host, settings.nowSeconds())) {
    return { outcome: 'unavailable', detail: 'the budget of calls to this host is spent' } as const
  }
  const fetched = await fetchJson(checked, kind.maximumBytes, settings)
  settings.budget.report(host, settings.nowSeconds(), fetched.outcome === 'unavailable' ? 'failed' : 'succeeded')
  if (fetched.outcome !== 'fetched') return fetched
  const reading = kind.read(fetched.json, url)
  if ('problem' in reading) return { outcome: 'invalid', detail: reading.problem } as const
  return { outcome: 'fetched', value: reading.value, seconds: freshSeconds(fetched.cacheControl, fetched.age) } as const
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
    recall: (url: string): DocumentResult<Value> | undefined => {
      const now = settings.nowSeconds()
      const known = values.get(url)
      if (known !== undefined && now < known.freshUntilSeconds) {
        return { outcome: 'read', value: known.value, source: 'cached' }
      }
      const failure = failures.get(url)
      return failure !== undefined && now < failure.untilSeconds ? staleOr(url, failure) : undefined
    },
    keep: (url: string, value: Value, seconds: number): DocumentResult<Value> => {
      const now = settings.nowSeconds()
      const staleUntilSeconds = now + longestLifetimeSeconds
      values.set(url, { value, freshUntilSeconds: now + seconds, staleUntilSeconds })
      failures.delete(url)
      return { outcome: 'read', value, source: 'fetched' }
    },
    fail: (url: string, failure: Failure): DocumentResult<Value> => {
      failures.set(url, { ...failure, untilSeconds: settings.nowSeconds() + settings.failureSeconds })
      // A host that answers with a wrong document has changed its mind: only silence is bridged with what it said before.
      if (failure.outcome === 'invalid') values.delete(url)
      return staleOr(url, failure)
    },
  }
}

/**
 * Reads one kind of document with a bounded memory keyed by the exact URL (THREATS E15): validated values only, for five
 * minutes to a day; failures for a minute at most; one request at a time for each URL.
 */
export function createDocumentReader<Value>(
  kind: DocumentKind<Value>,
  settings: ReaderSettings,
): DocumentReader<Value> {
  const memory = createMemory<Value>(settings)
  const underway = new Map<string, Promise<DocumentResult<Value>>>()
  const load = async (url: string): Promise<DocumentResult<Value>> => {
    const loaded = await fetchAndRead(url, kind, settings)
    if (loaded.outcome === 'refused') return loaded
    return loaded.outcome === 'fetched' ? memory.keep(url, loaded.value, loaded.seconds) : memory.fail(url, loaded)
  }

  return async (url, beforeFetch) => {
    const recalled = memory.recall(url)
    if (recalled !== undefined) return recalled
    if (!underway.has(url)) await beforeFetch?.()
    const running = underway.get(url)
    if (running !== undefined) return join(running, settings.timeoutMs)
    const loading = load(url)
    underway.set(url, loading)
    try {
      return await loading
    } finally {
      underway.delete(url)
    }
  }
}
