import { describe, expect, test } from 'vitest'
import { freshSeconds } from './cache-lifetime.ts'
import { createDocumentReader, type ReaderSettings } from './document-reader.ts'
import { createHostBudget } from './host-budget.ts'

const day = 24 * 60 * 60

/** A reader over a host that answers what `host.answer` says, with a clock that the test moves. */
function readerOver(answer: () => Response | Promise<Response>, overrides: Partial<ReaderSettings> = {}) {
  const host = { answer, calls: 0, nowSeconds: 1_000 }
  const read = createDocumentReader(
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
      policy: { ownHosts: [], allowLoopback: false },
      budget: createHostBudget({ perHostPerMinute: 10, failuresToBreak: 5, breakSeconds: 60 }),
      nowSeconds: () => host.nowSeconds,
      maximumEntries: 100,
      failureSeconds: 60,
      ...overrides,
    },
  )
  return { host, read }
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

  test('E1 makes no request for a URL that is refused', async () => {
    const { host, read } = readerOver(good())
    expect(await read('https://127.0.0.1/x')).toMatchObject({ outcome: 'refused' })
    expect(host.calls).toBe(0)
  })
})
