import { describe, expect, it } from 'vitest'
import { open, sendTo } from './loopback.ts'
import { servers } from './servers.ts'
import { activeAnswer, makeOptions, makeToken, streamOf } from './support.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const get = { origin: 'https://mcp.example', target: '/mcp', method: 'GET', body: null }
const listTools = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
const filtering = { toolScopes: { write_file: ['files:write'] }, filterLists: true }
const authorized = (token = makeToken()): [string, string][] => [['Authorization', `Bearer ${token}`]]

describe.each(servers)('$name, over a real connection', ({ start }) => {
  it('L18 never mixes the users of 1,000 interleaved requests', async () => {
    const tokens = { ada: makeToken('ada'), bob: makeToken('bob') }
    const { options } = makeOptions((token) => activeAnswer({ sub: token === tokens.ada ? 'ada' : 'bob' }), {
      cacheTtlSeconds: 0,
    })
    const server = await start(options, async ({ sub }) => {
      await new Promise((resolve) => setImmediate(resolve))
      return { type: 'text/plain', body: streamOf([bytes(sub)]) }
    })
    const names = Array.from({ length: 1000 }, (_, index) => (index % 3 === 0 ? ('ada' as const) : ('bob' as const)))
    const answers: string[] = []
    const work = names.entries()
    const ask = async () => {
      for (const [index, name] of work) {
        answers[index] = (await sendTo(server.port, { ...get, headers: authorized(tokens[name]) })).text
      }
    }
    await Promise.all(Array.from({ length: 50 }, ask))
    expect(answers).toEqual(names)
    await server.close()
  })

  it.each([
    ['as it is', {}, 'a', 'a'],
    ['while its lists are filtered', filtering, 'data: a\n\n', 'data: a\n\n'],
  ])('passes a streamed answer on piece by piece, %s', async (_, more, piece, wanted) => {
    const { options } = makeOptions(() => activeAnswer(), more)
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const server = await start(options, async () => ({ type: 'text/event-stream', body: readable }))
    const writer = writable.getWriter()
    const first = writer.write(bytes(piece))
    const response = await open(server.port, { ...get, method: 'POST', body: listTools, headers: authorized() })
    const pieces = response.iterator()
    expect(String((await pieces.next()).value)).toBe(wanted)
    await first
    // The handler has written nothing more, and the client has it all the same.
    const second = writer.write(bytes(piece))
    expect(String((await pieces.next()).value)).toBe(wanted)
    await second
    await writer.close()
    expect((await pieces.next()).done).toBe(true)
    await server.close()
  })

  it.each([
    ['as it is', {}],
    ['while its lists are filtered', filtering],
  ])('tells the handler when the client of a streamed answer goes away, %s', async (_, more) => {
    const { options } = makeOptions(() => activeAnswer(), more)
    let gone = () => {}
    const wentAway = new Promise<void>((resolve) => {
      gone = resolve
    })
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes('data: a\n\n')),
      cancel: () => gone(),
    })
    const server = await start(options, async () => ({ type: 'text/event-stream', body }))
    const response = await open(server.port, { ...get, method: 'POST', body: listTools, headers: authorized() })
    await response.iterator().next()
    response.destroy()
    await wentAway
    await server.close()
  })

  it('L11 sees a repeated Authorization header as it came', async () => {
    const { options, asked } = makeOptions(() => activeAnswer())
    const server = await start(options, async () => ({ type: 'text/plain', body: streamOf([]) }))
    const headers = [...authorized(), ...authorized()]
    expect((await sendTo(server.port, { ...get, headers })).status).toBe(400)
    expect(asked).toEqual([])
    await server.close()
  })
})
