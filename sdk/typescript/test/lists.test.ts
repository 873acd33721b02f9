import fc from 'fast-check'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { createEventFilter } from '../src/event-filter.ts'
import { authAgentMiddleware } from '../src/index.ts'
import { resourceKey } from '../src/resource-key.ts'
import { activeAnswer, bearer, makeOptions, makeToken, streamOf } from './support.ts'

const listTools = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
const tools = [{ name: 'read_file' }, { name: 'write_file', title: 'Schreiben ä→🗝' }]
const listed = (shown: object[]) => JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: shown } })
const { options, logged } = makeOptions(() => activeAnswer(), {
  toolScopes: { write_file: ['files:write'] },
  filterLists: true,
})

describe('lists in a stream of events', () => {
  it('are cut when they come, without waiting for the end of the stream', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const app = new Hono().use(authAgentMiddleware(options))
    app.post('*', () => new Response(readable, { headers: { 'content-type': 'text/event-stream' } }))
    const response = await app.fetch(bearer(makeToken(), { method: 'POST', body: listTools }))
    const writer = writable.getWriter()
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    const through = async (text: string) => {
      const written = writer.write(new TextEncoder().encode(text))
      const { value } = (await reader?.read()) ?? {}
      await written
      return value
    }
    expect(await through(': still there\r\n')).toBe(': still there\r\n')
    expect(await through(`data: ${listed(tools)}\n\n`)).toBe(`data: ${listed(tools.slice(0, 1))}\n\n`)
    expect(await through('data: {"jsonrpc":"2.0","method":"x"}\n\n')).toBe('data: {"jsonrpc":"2.0","method":"x"}\n\n')
    await writer.close()
    expect((await reader?.read())?.done).toBe(true)
  })

  it('tell the handler when the client goes away', async () => {
    const reasons: unknown[] = []
    const body = new ReadableStream({ cancel: (reason) => void reasons.push(reason) })
    const app = new Hono().use(authAgentMiddleware(options))
    app.post('*', () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
    const response = await app.fetch(bearer(makeToken(), { method: 'POST', body: listTools }))
    await response.body?.cancel('gone')
    expect(reasons).toEqual(['gone'])
  })

  it('may be torn inside a letter', async () => {
    const bytes = new TextEncoder().encode(`data: ${listed([tools[1] ?? {}, { name: 'ä→🗝' }])}\n\n`)
    const app = new Hono().use(authAgentMiddleware(options))
    const pieces = [...bytes].map((byte) => Uint8Array.of(byte))
    app.post('*', () => new Response(streamOf(pieces), { headers: { 'content-type': 'text/event-stream' } }))
    const response = await app.fetch(bearer(makeToken(), { method: 'POST', body: listTools }))
    expect(await response.text()).toBe(`data: ${listed([{ name: 'ä→🗝' }])}\n\n`)
  })

  it('mean the same in whatever pieces they come', () => {
    const letters = fc.string({ unit: fc.constantFrom('\r', '\n', 'data:', 'data', ': ', 'x', 'id', 'é') })
    const pieces = fc.array(letters, { maxLength: 12 })
    const rewrite = (message: string) => (message.includes('x') ? message.toUpperCase().replaceAll('\n', ' ') : message)
    const plain = (text: string) => text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
    fc.assert(
      fc.property(pieces, (parts) => {
        const one = createEventFilter(rewrite)
        const other = createEventFilter(rewrite)
        const torn = parts.map((part) => one.push(part)).join('') + one.end()
        expect(plain(torn)).toBe(plain(other.push(parts.join('')) + other.end()))
      }),
      { numRuns: 2000 },
    )
  })

  it('leave everything else as it was, to the byte', () => {
    const letters = fc.string({ unit: fc.constantFrom('\r\n', '\n', 'data:', 'data', ': ', 'x', 'id', 'é', '{}') })
    fc.assert(
      fc.property(letters, (text) => {
        const filter = createEventFilter((message) => message)
        const passed = filter.push(text) + filter.end()
        expect(passed.split(/\r\n|\n/).sort()).toEqual(text.split(/\r\n|\n/).sort())
      }),
    )
  })
})

describe('a list that was encoded too early', () => {
  it('is told to the owner', async () => {
    const app = new Hono().use(authAgentMiddleware(options))
    app.post('*', (c) => c.body('…', 200, { 'content-type': 'application/json', 'content-encoding': 'br' }))
    expect((await app.fetch(bearer(makeToken(), { method: 'POST', body: listTools }))).status).toBe(500)
    expect(logged.join()).toContain('encoded before filterLists could see it')
  })
})

describe('the key of a resource', () => {
  const uri = fc.oneof(
    fc.webUrl({ withFragments: true, withQueryParameters: true, validSchemes: ['http', 'https', 'ws', 'ftp'] }),
    fc.webUrl({ withFragments: true }).map((url) => url.replace(/^https?:\/\/[^/]*/, 'file://')),
    fc.webUrl().map((url) => url.replace(/^https?/, 'notes')),
  )

  it('is the same for whatever URL makes of a URI, since servers look up what it makes', () => {
    fc.assert(fc.property(uri, (text) => resourceKey(new URL(text).href) === resourceKey(text)))
  })

  it('is its own key, exists for every text, and costs linear time', () => {
    fc.assert(fc.property(fc.oneof(uri, fc.string()), (text) => typeof resourceKey(text) === 'string'))
    for (const part of ['%25', '../', '#', ':', '\\', '?', '%', 'http:']) {
      // A pattern that backtracks would need hours for this, and the test would end by its time limit.
      expect(resourceKey(part.repeat(1_000_000 / part.length)).length).toBeLessThan(1_000_001)
    }
  })
})
