import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fc from 'fast-check'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { authAgentMiddleware } from '../src/express.ts'
import { authAgentMiddleware as honoMiddleware } from '../src/index.ts'
import { authAgentListener } from '../src/node.ts'
import { sendTo, serve } from './loopback.ts'
import { activeAnswer, makeOptions, makeToken } from './support.ts'

const call = (name: string, more = '') =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { text: more } } })
const { options, logged } = makeOptions(() => activeAnswer(), { toolScopes: { write_file: ['files:write'] } })

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  logged.length = 0
})

async function listen(listener: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const { port, close } = await serve(listener)
  closers.push(close)
  return port
}

const authorization = () => `Bearer ${makeToken()}`

/** Posts the pieces of a body one by one, chunked where no length is given. */
async function post(port: number, pieces: readonly (string | Uint8Array)[], headers: Record<string, string> = {}) {
  return new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method: 'POST', headers: { authorization: authorization(), ...headers } }
    const going = httpRequest({ ...options, agent: false }, async (response) =>
      resolve({ status: response.statusCode, body: await text(response) }),
    ).on('error', reject)
    for (const piece of pieces) going.write(piece)
    going.end()
  })
}

type Reader = (request: IncomingMessage) => Promise<string>

const readers: Record<string, Reader> = {
  'data events': (request) =>
    new Promise((resolve) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks).toString()))
    }),
  'readable events': (request) =>
    new Promise((resolve) => {
      const chunks: Buffer[] = []
      request.on('readable', () => {
        for (let chunk = request.read(); chunk !== null; chunk = request.read()) chunks.push(chunk)
      })
      request.on('end', () => resolve(Buffer.concat(chunks).toString()))
    }),
  'an async iterator': async (request) => text(request),
  'a pipe': (request) => text(request.pipe(new PassThrough())),
  'the server of Hono': (request) => readWithHono(request, (body) => body.text()),
  'the server of Hono, as a stream': (request) => readWithHono(request, (body) => new Response(body.body).text()),
  'a stream of the web': (request) => new Response(Readable.toWeb(request) as ReadableStream).text(),
}

/** A second server of the Fetch API behind the middleware: it asks whether a body was read before it reads. */
function readWithHono(request: IncomingMessage, read: (request: Request) => Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const listener = getRequestListener(async (behind) => {
      await read(behind).then(resolve, reject)
      return new Response(null, { headers: { 'x-hono-already-sent': 'true' } })
    })
    void listener(request, new ServerResponse(request))
  })
}

/** What an application on Hono's own server does with a body. */
const honoReaders: Record<string, (c: Context) => Promise<string>> = {
  'text of Hono': (c) => c.req.text(),
  'JSON or bytes of Hono': async (c) => Buffer.from(await c.req.arrayBuffer()).toString(),
  'the raw request': (c) => c.req.raw.text(),
  'a stream of the raw request': (c) => new Response(c.req.raw.body).text(),
  'a copy of the raw request': async (c) => {
    const [copied, own] = await Promise.all([c.req.raw.clone().text(), c.req.raw.text()])
    return copied === own ? own : 'two different ones'
  },
}

const bodies: [string, string[]][] = [
  ['JSON in one piece', [call('read_file')]],
  ['JSON in many pieces', [...call('read_file', 'ä→🗝')]],
  ['JSON that is longer than the buffers of a stream', [call('read_file', 'x'.repeat(300_000))]],
  ['an upload that is no JSON, longer than maxBodyBytes', Array.from({ length: 90 }, () => 'x'.repeat(65_536))],
  ['white space and no more', ['  \n']],
  ['nothing', []],
]

describe.each(Object.entries(honoReaders))('a handler on Hono’s server for Node that reads %s', (_, read) => {
  const start = (...before: MiddlewareHandler[]) => {
    const app = new Hono()
    for (const middleware of before) app.use(middleware)
    app.use(honoMiddleware(options)).post('*', async (c) => c.text(await read(c)))
    return listen(getRequestListener(app.fetch))
  }

  it.each(bodies)('finds %s whole', async (_name, pieces) => {
    const port = await start()
    expect(await post(port, pieces)).toEqual({ status: 200, body: pieces.join('') })
  })

  it('does not run for a tool without its scope, whatever came before it', async () => {
    const look: MiddlewareHandler = async (c, next) => {
      await c.req.json()
      await next()
    }
    const replace: MiddlewareHandler = async (c, next) => {
      c.req.raw = new Request(c.req.raw, { headers: { authorization: c.req.header('authorization') ?? '' } })
      await next()
    }
    const forge: MiddlewareHandler = async (c, next) => {
      const headers = { authorization: c.req.header('authorization') ?? '' }
      c.req.raw = new Request(c.req.url, { method: 'POST', headers, body: call('write_file') })
      await next()
    }
    expect((await post(await start(), [call('write_file')])).status).toBe(403)
    expect((await post(await start(look), [call('write_file')])).status).toBe(403)
    expect((await post(await start(replace), [call('write_file')])).status).toBe(403)
    // What counts is the body that the handler will read, not the one that came.
    expect((await post(await start(forge), [call('read_file')])).status).toBe(403)
  })
})

describe.each(Object.entries(readers))('a handler on Node that reads with %s', (_, read) => {
  const start = () => listen(authAgentListener(options, async (request, response) => response.end(await read(request))))

  it.each(bodies)('finds %s whole', async (_name, pieces) => {
    const port = await start()
    const sizeBytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0)
    const whole = { status: 200, body: pieces.join('') }
    expect(await post(port, pieces, { 'transfer-encoding': 'chunked' })).toEqual(whole)
    expect(await post(port, pieces, { 'content-length': String(sizeBytes) })).toEqual(whole)
  })

  it('does not run for a tool without its scope', async () => {
    const port = await start()
    expect((await post(port, [...call('write_file')])).status).toBe(403)
  })
})

it('a body on Node is whole however it is torn', async () => {
  const port = await listen(authAgentListener(options, async (request, response) => response.end(await text(request))))
  const torn = fc.array(fc.oneof(fc.json(), fc.string(), fc.string({ unit: 'binary' })), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(torn, async (parts) => {
      const bytes = parts.map((part) => Buffer.from(part))
      const { status, body } = await post(port, bytes)
      if (status === 200) expect(body).toBe(Buffer.concat(bytes).toString())
      else expect([status, body]).toEqual([400, expect.stringContaining('the body is not JSON')])
    }),
    { numRuns: 60 },
  )
})

it('an upload that ends early is nobody’s defect', async () => {
  const port = await listen(authAgentListener(options, (_, response) => response.end()))
  const socket = connect(port, '127.0.0.1')
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization()}\r\nContent-Length: 99\r\n\r\n{"a":`)
  await new Promise((resolve) => setImmediate(resolve))
  socket.destroy()
  expect((await post(port, [call('read_file')])).status).toBe(200)
  expect(logged).toEqual([])
})

describe('a body that was read before the middleware', () => {
  const build = (...before: express.RequestHandler[]) => {
    const app = express().use(...before)
    app.use(authAgentMiddleware(options))
    return app.use((request, response) => response.json(request.body ?? null))
  }

  it.each([
    ['express.json', express.json()],
    ['express.text', express.text({ type: '*/*' })],
    ['express.raw', express.raw({ type: '*/*' })],
  ])('is judged as %s has left it', async (_, parser) => {
    const port = await listen(build(parser))
    const headers = { 'content-type': 'application/json' }
    expect((await post(port, [call('write_file')], headers)).status).toBe(403)
    expect((await post(port, [call('read_file')], headers)).status).toBe(200)
  })

  it('is read from the stream where a parser did not care for it', async () => {
    const port = await listen(build(express.json()))
    expect((await post(port, [call('write_file')], { 'content-type': 'text/plain' })).status).toBe(403)
  })

  it('is read from the stream where a parser has left an empty object all the same', async () => {
    const leave: express.RequestHandler = (request, _, next) => {
      request.body = {}
      next()
    }
    const port = await listen(build(leave))
    expect((await post(port, [call('write_file')])).status).toBe(403)
  })

  it('is not let through where nobody can tell what it was, and the owner is told', async () => {
    const swallow: express.RequestHandler = (request, _, next) => {
      request.on('end', () => next()).resume()
    }
    const port = await listen(build(swallow))
    expect((await post(port, [call('read_file')])).status).toBe(500)
    expect(logged.join()).toContain('put the middleware first')
  })

  it('may be a text already', async () => {
    const asText: express.RequestHandler = (request, _, next) => {
      request.setEncoding('utf8')
      next()
    }
    const app = express().use(asText, authAgentMiddleware(options))
    app.use(async (request, response) => void request.pipe(response))
    const port = await listen(app)
    expect((await post(port, [call('write_file')])).status).toBe(403)
    const pieces = [...call('read_file', 'ä→🗝')]
    expect(await post(port, pieces)).toEqual({ status: 200, body: pieces.join('') })
  })
})

describe('a parser behind the middleware', () => {
  const bigEndian = Buffer.from(call('write_file'), 'utf16le').swap16()

  it.each<[string, string, Uint8Array]>([
    ['UTF-16', 'utf-16', Buffer.concat([Buffer.from([0xfe, 0xff]), bigEndian])],
    ['UTF-16 without a byte order mark', 'utf-16be', bigEndian],
    ['UTF-32', 'utf-32be', Buffer.from([...call('write_file')].flatMap((one) => [0, 0, 0, one.charCodeAt(0)]))],
    ['UTF-7', 'utf-7', Buffer.from(call('+AHcAcgBpAHQAZQ-_file'))],
  ])('does not see a tool without its scope in %s, which express.json reads', async (_, charset, body) => {
    const parsed: unknown[] = []
    const app = express().use(authAgentMiddleware(options), express.json())
    app.use((request, response) => {
      parsed.push(request.body)
      response.end()
    })
    const port = await listen(app)
    const headers = { 'content-type': `application/json; charset=${charset}` }
    expect((await post(port, [body], headers)).status).toBe(415)
    expect(parsed).toEqual([])
  })
})

describe('over HTTP/2, where no header need tell of a body', () => {
  const echo = async (c: Context) => c.text(await c.req.text())
  const listener = authAgentListener(options, async (request, response) => response.end(await text(request)))

  it.each<[string, (request: never, response: never) => unknown]>([
    ['Hono', getRequestListener(new Hono().use(honoMiddleware(options)).all('*', echo).fetch)],
    ['Node', listener],
  ])('a tool without its scope is not called, and a handler on %s finds its body', async (_, answer) => {
    const server = createHttp2Server((request, response) => void answer(request as never, response as never))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    closers.push(async () => {
      session.close()
      await new Promise((resolve) => server.close(resolve))
    })
    const ask = async (pieces: readonly string[], more: Record<string, string> = {}) => {
      const headers = { ':method': 'POST', ':path': '/mcp', authorization: authorization(), ...more }
      const stream = session.request(headers)
      for (const piece of pieces) stream.write(piece)
      stream.end()
      const [{ ':status': status }] = await once(stream, 'response')
      return { status, body: await text(stream) }
    }
    for (const pieces of [[call('write_file')], [...call('write_file')]]) {
      expect((await ask(pieces)).status).toBe(403)
      expect((await ask(pieces, { 'content-length': String(Buffer.byteLength(pieces.join(''))) })).status).toBe(403)
    }
    for (const [, pieces] of bodies) expect(await ask(pieces)).toEqual({ status: 200, body: pieces.join('') })
    expect((await ask([], { ':method': 'GET' })).status).toBe(200)
  })

  it.each([
    ['localhost', 204],
    ['evil.example', 403],
  ])('the host %s is the one of :authority (RFC 9113 §8.3.1)', async (host, status) => {
    const guarded = makeOptions(() => activeAnswer(), { allowedHosts: ['localhost'] }).options
    const guard = authAgentListener(guarded, (_, response) => void response.writeHead(204).end())
    const server = createHttp2Server((request, response) => void guard(request as never, response as never))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    closers.push(async () => {
      session.close()
      await new Promise((resolve) => server.close(resolve))
    })
    const stream = session.request({ ':path': '/mcp', ':authority': host, authorization: authorization() }).resume()
    const [{ ':status': answered }] = await once(stream, 'response')
    expect(answered).toBe(status)
  })
})

describe('what only a server sees', () => {
  it('a router that cuts the path does not change which path is ours', async () => {
    const app = express().use('/.well-known', authAgentMiddleware(options))
    const port = await listen(app.use((_, response) => void response.sendStatus(204)))
    const get = (target: string) =>
      sendTo(port, { origin: 'https://mcp.example', target, method: 'GET', headers: [], body: null })
    expect((await get('/.well-known/oauth-protected-resource/mcp?x')).status).toBe(200)
    expect((await get('/.well-known/x')).status).toBe(401)
    expect((await get('/.well-known/.well-known/oauth-protected-resource/mcp')).status).toBe(401)
    expect((await get('https://mcp.example/.well-known/oauth-protected-resource/mcp')).status).toBe(200)
  })

  it('L15 refuses a WebSocket handshake without a token', async () => {
    const app = express().use(authAgentMiddleware(options), (_request, response) => void response.sendStatus(204))
    for (const listener of [app, authAgentListener(options, (_, response) => response.end())]) {
      const port = await listen(listener)
      const headers: [string, string][] = [
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
        ['Sec-WebSocket-Version', '13'],
        ['Sec-WebSocket-Key', 'x'],
      ]
      const sent = { origin: 'https://mcp.example', target: '/mcp', method: 'GET', headers, body: null }
      expect((await sendTo(port, sent)).status).toBe(401)
    }
  })

  it.each([
    ['refused', call('write_file', 'x'.repeat(300_000)), '403'],
    ['refused for its size', call('read_file', 'x'.repeat(5_000_000)), '413'],
    ['that no handler reads', 'x'.repeat(3_000_000), '200'],
  ])('a body %s leaves the connection usable for the next request', async (_, body, status) => {
    const port = await listen(authAgentListener(options, (_request, response) => response.end('ok')))
    const socket = connect(port, '127.0.0.1')
    const head = `Host: a\r\nAuthorization: ${authorization()}\r\n`
    socket.write(`POST / HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`)
    socket.write(`GET / HTTP/1.1\r\n${head}Connection: close\r\n\r\n`)
    const statuses = [...(await text(socket)).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, one]) => one)
    expect(statuses).toEqual([status, '200'])
  })

  it('a body that is too large is not waited for', async () => {
    const port = await listen(authAgentListener({ ...options, maxBodyBytes: 10 }, (_, response) => response.end('ok')))
    const socket = connect(port, '127.0.0.1')
    const head = `Host: a\r\nAuthorization: ${authorization()}\r\n`
    socket.write(`POST / HTTP/1.1\r\n${head}Content-Length: 1000000\r\n\r\n{"a":"${'x'.repeat(100)}`)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toContain('413')
    socket.destroy()
  })
})
