import { get } from 'node:http'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readMemory } from '../../bench/workerd.ts'
import { askFor, authorizeUrl, type Place, redirectUri, startPlace } from './place.ts'
import { answerWith, jsonHead, openStrangeHost, pour, type StrangeHost } from './strange-host.ts'

const limits = {
  document_calls_per_host: 1000,
  document_failures_per_host: 1000,
  document_failure_seconds: 1,
  // What is decided is what the host does, not how fast the machine is.
  document_milliseconds: 60_000,
}
const open = (LIMITS: object, v8Flags: readonly string[] = []) =>
  startPlace({ variables: { DOCUMENTS_ALLOW_LOOPBACK: 'on', LIMITS: JSON.stringify(LIMITS) }, v8Flags })

let host: StrangeHost
let inside: StrangeHost
let place: Place
/** Does not wait for long; for hosts that never come to an end. */
let impatient: Place

beforeAll(async () => {
  host = await openStrangeHost()
  inside = await openStrangeHost()
  place = await open(limits, ['--max-heap-size=64'])
  impatient = await open({ ...limits, document_milliseconds: 400 })
})

afterAll(async () => {
  await place.close()
  await impatient.close()
  await host.close()
  await inside.close()
})

/** Every test has a URL of its own: failures are remembered. */
const newUrl = () => host.url(`/${crypto.randomUUID()}.json`)

/** The page a client of this host leads to, which is no redirect, while the Worker goes on serving others. */
async function refusedBy(behaviour: (socket: Socket, head: string) => void, asked = place): Promise<string> {
  host.behave(behaviour)
  const page = askFor(asked, newUrl())
  const health = await fetch(`${asked.issuer}/health`)
  expect(health.status).toBe(200)
  const { status, location, text } = await page
  expect([status >= 400, location]).toEqual([true, null])
  return text
}

const unavailable = expect.stringContaining('client_document_unavailable')
const invalid = expect.stringContaining('client_document_invalid')

describe('a host that takes its time', () => {
  test('E7 to begin its answer: the call ends, and so does the connection', async () => {
    expect(await refusedBy(() => undefined, impatient)).toEqual(unavailable)
    await expect.poll(() => host.connections.length).toBe(1)
    await host.connections[0]?.closed
  })

  test('E7 over a header that never ends', async () => {
    expect(await refusedBy((socket) => pour(socket, 'HTTP/1.1 200 OK\r\nx: ', 'a'), impatient)).toEqual(unavailable)
    await host.connections[0]?.closed
  })

  test('E7 over a body that comes byte by byte', async () => {
    expect(
      await refusedBy((socket) => {
        socket.write(`${jsonHead}content-length: 100\r\n\r\n{`)
        const drip = setInterval(() => (socket.destroyed ? clearInterval(drip) : socket.write(' ')), 20)
      }, impatient),
    ).toEqual(unavailable)
    await host.connections[0]?.closed
  })
})

describe('a host that sends on', () => {
  test.each([301, 302, 303, 307, 308])(
    'E4 with status %i is not followed: one call, and none inside',
    async (status) => {
      inside.behave((socket) => answerWith(socket, '{}'))
      const location = `location: ${inside.url()}\r\n`
      const head = `HTTP/1.1 ${status} Elsewhere\r\n${location}content-length: 0\r\nconnection: close\r\n\r\n`
      expect(await refusedBy((socket) => socket.end(head))).toEqual(unavailable)
      expect([host.connections.length, inside.connections.length]).toEqual([1, 0])
    },
  )
})

describe('a host that sends too much', () => {
  test('E6 in chunks without end: given up after a few, and hung up on', async () => {
    const chunk = `400\r\n${' '.repeat(1024)}\r\n`
    expect(await refusedBy((socket) => pour(socket, `${jsonHead}transfer-encoding: chunked\r\n\r\n`, chunk))).toEqual(
      invalid,
    )
    await host.connections[0]?.closed
    // What lies in the buffers of two sockets is not told from what was read: megabytes would be.
    expect(host.connections[0]?.written()).toBeLessThan(16 * 1_048_576)
  })

  test('E6 compressed, a hundred megabytes of nothing: given up, and never in memory', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * 1_048_576, 0x20))
    const before = readMemory(place.worker().pid).anonymousBytes
    expect(await refusedBy((socket) => answerWith(socket, bomb, `${jsonHead}content-encoding: gzip\r\n`))).toEqual(
      invalid,
    )
    expect(readMemory(place.worker().pid).anonymousBytes - before).toBeLessThan(32 * 1_048_576)
  })

  test('E6 says that it is short, and is not', async () => {
    const lies = `${jsonHead}content-length: 2\r\nconnection: close\r\n\r\n{}${'x'.repeat(100_000)}`
    // The two bytes are the document: what follows is no part of the answer (RFC 9112 §6.3).
    expect(await refusedBy((socket) => socket.end(lies))).toEqual(invalid)
  })
})

describe('a host that lies', () => {
  test('E8 about its type: HTML under the name of JSON', async () => {
    expect(await refusedBy((socket) => answerWith(socket, '<html>'))).toEqual(
      expect.stringContaining('the document is not JSON in UTF-8'),
    )
  })

  test('E8 about its encoding', async () => {
    const encoded = `${jsonHead}content-encoding: gzip\r\n`
    expect(await refusedBy((socket) => answerWith(socket, 'no gzip at all', encoded))).toMatch(/client_document_/)
  })

  test('E8 JSON in another character set is not read as if it were UTF-8', async () => {
    expect(await refusedBy((socket) => answerWith(socket, Buffer.from('"\xe9"', 'latin1')))).toEqual(invalid)
  })

  test('E8 about its length: it ends before it is over', async () => {
    expect(await refusedBy((socket) => socket.end(`${jsonHead}content-length: 100\r\n\r\n{`))).toEqual(unavailable)
  })

  test.each([
    ['nothing but the end of the connection', (socket: Socket) => socket.destroy()],
    ['another protocol', (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')],
    ['a status that is none', (socket: Socket) => socket.end('HTTP/1.1 xyz OK\r\n\r\n')],
    ['a megabyte of headers', (socket: Socket) => socket.end(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(200_000)}\r\n`)],
  ])('E19 answers with %s: the one page of everything that cannot be fetched', async (_what, behaviour) => {
    expect(await refusedBy(behaviour)).toEqual(unavailable)
  })
})

describe('many who ask for one document', () => {
  const documentOf = (url: string) =>
    JSON.stringify({ client_id: url, client_name: 'Desktop tool', redirect_uris: [redirectUri] })

  test('E18 at once make one call', async () => {
    const url = newUrl()
    const waiting: Socket[] = []
    host.behave((socket) => void waiting.push(socket))
    const pages = Array.from({ length: 20 }, () => askFor(place, url))
    await expect.poll(() => waiting.length).toBe(1)
    for (const socket of waiting) answerWith(socket, documentOf(url))
    expect(new Set((await Promise.all(pages)).map(({ status }) => status))).toEqual(new Set([200]))
    expect(host.connections).toHaveLength(1)
  })

  test('E18 are served although the first of them hangs up', async () => {
    const url = newUrl()
    const waiting: Socket[] = []
    host.behave((socket) => void waiting.push(socket))
    const first = get(authorizeUrl(place, url))
    first.on('error', () => undefined)
    await expect.poll(() => waiting.length).toBe(1)
    first.destroy()
    const second = askFor(place, url)
    // Long enough in workerd's queue that it has seen the first one go.
    expect((await fetch(`${place.issuer}/health`)).status).toBe(200)
    for (const socket of waiting) answerWith(socket, documentOf(url))
    expect((await second).status).toBe(200)
    expect((await askFor(place, url)).status).toBe(200)
    expect(host.connections).toHaveLength(1)
  })
})
