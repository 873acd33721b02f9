import { describe, expect, test, vi } from 'vitest'
import { freshSeconds } from './cache-lifetime.ts'
import { createDocumentReader, type ReaderSettings } from './document-reader.ts'
import { createHostBudget } from './host-budget.ts'

const day = 24 * 60 * 60

/** A reader over a host that answers what `host.answer` says, with a clock that the test moves. */
function readerOver(answer: () => Response | Promise<Response>, overrides: Partial<ReaderSettings> = {}) {
  const host = { answer, calls: 0, nowSeconds: 1_000 }
  const reader = createDocumentReader(
    {
      maximumBytes: 5_120,
      read: (json, url) =>
        typeof json === 'object' && json !== null && 'client_id' in json && json.client_id === url
          ? { value: json }
          : { problem: 'its client_id is not its URL' },
    },
    {
      fetchUrl: (async () => {
        host.calls++
        return host.answer()
      }) as unknown as typeof fetch,
      timeoutMs: 1_000,
      userAgent: 'Auth-Agent-MCP',
      policy: { ownOrigins: [], allowLoopback: false },
      budget: createHostBudget({ perHostPerMinute: 10, failuresToBreak: 5, breakSeconds: 60 }),
      nowSeconds: () => host.nowSeconds,
      maximumEntries: 100,
      failureSeconds: 60,
      ...overrides,
    },
  )
  return { host, ...reader }
}

const url = 'https://good.dev/client.json'
const good =
  (cacheControl = '') =>
  () =>
    Response.json({ client_id: url }, { headers: cacheControl === '' ? {} : { 'cache-control': cacheControl } })

describe('what is kept of a document', () => {
  test.each([
    [null, 0, 300],
    ['no-store', 0, 300],
    ['max-age=10', 0, 300],
    ['public, max-age=3600', 600, 3_000],
    ['max-age=31536000', 0, day],
    ['max-age=nonsense', 0, 300],
  ])('E14 Cache-Control %s with Age %i is %i seconds', (cacheControl, age, seconds) => {
    expect(freshSeconds(cacheControl, age)).toBe(seconds)
  })

  test('E14 a document that says it lives for a year is fetched again after a day', async () => {
    const { host, read } = readerOver(good('max-age=31536000'))
    await read(url)
    host.nowSeconds += day - 1
    expect(await read(url)).toMatchObject({ source: 'cached' })
    host.nowSeconds += 1
    expect(await read(url)).toMatchObject({ source: 'fetched' })
    expect(host.calls).toBe(2)
  })

  test('E14 an invalid document that was mended works as soon as its failure is forgotten', async () => {
    const { host, read } = readerOver(() => Response.json({ client_id: 'https://evil.dev/' }))
    expect(await read(url)).toEqual({ outcome: 'invalid', detail: 'its client_id is not its URL' })
    host.answer = good()
    expect(await read(url)).toMatchObject({ outcome: 'invalid' })
    host.nowSeconds += 60
    expect(await read(url)).toMatchObject({ outcome: 'read' })
    expect(host.calls).toBe(2)
  })

  test('E15 keeps URLs apart that differ in case', async () => {
    const { host, read } = readerOver(good())
    await read(url)
    expect(await read('https://good.dev/CLIENT.json')).toMatchObject({ outcome: 'invalid' })
    expect(host.calls).toBe(2)
  })

  test('E22 bridges a silent host for a day with what it once said, and no longer', async () => {
    const { host, read } = readerOver(good())
    await read(url)
    host.answer = () => new Response('', { status: 503 })
    host.nowSeconds += 3_600
    expect(await read(url)).toMatchObject({ outcome: 'read', source: 'stale' })
    host.nowSeconds += day
    expect(await read(url)).toMatchObject({ outcome: 'unavailable' })
  })

  test('E22 knows nothing of a client whose host was never up', async () => {
    const { read } = readerOver(() => Promise.reject(new Error('connection refused')))
    expect(await read(url)).toMatchObject({ outcome: 'unavailable' })
  })

  test('a host that now serves a wrong document is not bridged', async () => {
    const { host, read } = readerOver(good())
    await read(url)
    host.answer = () => Response.json({})
    host.nowSeconds += 3_600
    expect(await read(url)).toMatchObject({ outcome: 'invalid' })
  })

  test('fifty callers at once make one request', async () => {
    const { host, read } = readerOver(good())
    const results = await Promise.all(Array.from({ length: 50 }, () => read(url)))
    expect(results.every((result) => result.outcome === 'read')).toBe(true)
    expect(host.calls).toBe(1)
  })

  test('E18 a hundred paths of one host cost it ten requests at most', async () => {
    const { host, read } = readerOver(() => Response.json({}))
    for (let path = 0; path < 100; path++) await read(`https://good.dev/${path}.json`)
    expect(host.calls).toBe(10)
  })

  test('E18 leaves a failing host alone for a while', async () => {
    const { host, read } = readerOver(() => new Response('', { status: 500 }))
    for (let path = 0; path < 8; path++) await read(`https://good.dev/${path}.json`)
    expect(host.calls).toBe(5)
    host.nowSeconds += 60
    await read('https://good.dev/later.json')
    expect(host.calls).toBe(6)
  })

  test('E18 a host that works is not left alone because strangers invent paths on it', async () => {
    const { host, read } = readerOver(() => new Response('', { status: 404 }))
    for (let path = 0; path < 6; path++) await read(`https://good.dev/${path}.json`)
    host.answer = good()
    expect(await read(url)).toMatchObject({ outcome: 'read' })
  })

  test('E18 a spent budget says nothing of the document: it is read as soon as there is one again', async () => {
    const { host, read } = readerOver(() => Response.json({}))
    for (let path = 0; path < 10; path++) await read(`https://good.dev/${path}.json`)
    host.answer = good()
    expect(await read(url)).toMatchObject({ outcome: 'unavailable' })
    host.nowSeconds += 60
    expect(await read(url)).toMatchObject({ outcome: 'read' })
  })

  test('E1 makes no request for a URL that is refused, and counts none', async () => {
    const { host, read } = readerOver(good())
    const beforeFetch = () => Promise.reject(new Error('counted'))
    expect(await read('https://127.0.0.1/x', { beforeFetch })).toMatchObject({ outcome: 'refused' })
    expect(host.calls).toBe(0)
  })
})

describe('a call that many wait for', () => {
  test('goes on when its caller goes away', async () => {
    const { read } = readerOver(good())
    const kept: Promise<unknown>[] = []
    await read(url, { keepAlive: (call) => void kept.push(call) })
    expect(await Promise.all(kept)).toMatchObject([{ outcome: 'read' }])
  })

  test('that was lost with its Worker blocks nobody for longer than it could have taken', async () => {
    const { host, read } = readerOver(() => new Promise(() => undefined), { timeoutMs: 20 })
    // Its caller is gone, and with it whatever would have ended the call.
    vi.useFakeTimers()
    void read(url)
    await vi.advanceTimersByTimeAsync(0)
    vi.useRealTimers()
    expect(await read(url)).toEqual({ outcome: 'unavailable', detail: 'the request that was under way did not end' })
    host.answer = good()
    host.nowSeconds += 2
    expect(await read(url)).toMatchObject({ outcome: 'read' })
  })
})

describe('reading again what was found to be too old', () => {
  test('E20 makes a call at most once a minute', async () => {
    const { host, read, readAgain } = readerOver(good('max-age=86400'))
    await read(url)
    host.nowSeconds += 59
    expect(await readAgain(url)).toMatchObject({ source: 'cached' })
    host.nowSeconds += 1
    expect(await readAgain(url)).toMatchObject({ source: 'fetched' })
    expect(await readAgain(url)).toMatchObject({ source: 'cached' })
    expect(host.calls).toBe(2)
  })

  test('E22 keeps what is known when the host is silent, and asks a failing one once a minute', async () => {
    const { host, read, readAgain } = readerOver(good('max-age=86400'))
    await read(url)
    host.answer = () => new Response('', { status: 500 })
    host.nowSeconds += 60
    expect(await readAgain(url)).toMatchObject({ outcome: 'read', source: 'stale' })
    expect(await readAgain(url)).toMatchObject({ outcome: 'read', source: 'stale' })
    expect(await read(url)).toMatchObject({ outcome: 'read', source: 'cached' })
    expect(host.calls).toBe(2)
  })
})
