import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { checkDocumentUrl } from './document-url.ts'
import { type FetchSettings, fetchJson } from './fetch-document.ts'

const settings: FetchSettings = { fetchUrl: fetch, timeoutMs: 60_000, userAgent: 'Auth-Agent-MCP' }
const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A server that a stranger runs, on loopback. */
async function host(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/client.json`
}

function allowed(url: string, allowLoopback = true) {
  const checked = checkDocumentUrl(url, { ownOrigins: [], allowLoopback })
  if (checked.outcome !== 'allowed') throw new Error(checked.problem)
  return checked
}

const fetchFrom = async (listener: RequestListener, overrides: Partial<FetchSettings> = {}) =>
  fetchJson(allowed(await host(listener)), 5_120, { ...settings, ...overrides })

describe('fetching what strangers host', () => {
  test('reads JSON and says how long it may be kept', async () => {
    const fetched = await fetchFrom((_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'max-age=60',
        age: '7',
      })
      response.end('{"a":1}')
    })
    expect(fetched).toEqual({ outcome: 'fetched', json: { a: 1 }, cacheControl: 'max-age=60', age: 7 })
  })

  test('E4 does not follow a redirect, and makes exactly one request', async () => {
    const paths: string[] = []
    const fetched = await fetchFrom((request, response) => {
      paths.push(request.url ?? '')
      response.writeHead(302, { location: '/inside' }).end()
    })
    expect(fetched).toMatchObject({ outcome: 'unavailable', detail: 'status 302, expected 200' })
    expect(paths).toEqual(['/client.json'])
  })

  test('E6 stops at 5 KB of a body in chunks', async () => {
    const fetched = await fetchFrom((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      for (let chunk = 0; chunk < 6; chunk++) response.write('x'.repeat(1_024))
      response.end()
    })
    expect(fetched).toMatchObject({ outcome: 'invalid', detail: 'it is larger than 5120 bytes' })
  })

  test('E6 counts decoded bytes: a compressed megabyte of zeros is too large', async () => {
    const fetched = await fetchFrom((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync(Buffer.alloc(1_048_576)))
    })
    expect(fetched.outcome).toBe('invalid')
  })

  test('E7 has one deadline over slow headers', async () => {
    const fetched = await fetchFrom(() => undefined, { timeoutMs: 50 })
    expect(fetched).toMatchObject({ outcome: 'unavailable', detail: 'no complete answer within 50 ms' })
  })

  test('E7 has one deadline over a body that never ends', async () => {
    const fetched = await fetchFrom(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.write('{')
      },
      { timeoutMs: 50 },
    )
    expect(fetched).toMatchObject({ outcome: 'unavailable', detail: 'no complete answer within 50 ms' })
  })

  test.each([201, 204, 404, 500])('E8 takes status 200 only, not %i', async (status) => {
    const fetched = await fetchFrom((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(status === 204 ? undefined : '{}')
    })
    expect(fetched.outcome).toBe('unavailable')
  })

  test.each(['text/html', 'text/plain', 'application/jsonp', ''])('E8 explains the content type "%s"', async (type) => {
    const fetched = await fetchFrom((_request, response) => {
      response.writeHead(200, type === '' ? {} : { 'content-type': type }).end('{}')
    })
    expect(fetched).toMatchObject({ outcome: 'invalid', detail: expect.stringContaining('application/json') })
  })

  test('E8 takes JSON under another name', async () => {
    const fetched = await fetchFrom((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/client-metadata+json' }).end('{}')
    })
    expect(fetched.outcome).toBe('fetched')
  })

  test('a lying content type is found out', async () => {
    const fetched = await fetchFrom((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('<html>')
    })
    expect(fetched).toMatchObject({ outcome: 'invalid', detail: 'the document is not JSON in UTF-8' })
  })

  test('E21 E23 sends a fixed set of headers and nothing of ours', async () => {
    let seen: string[] = []
    let options: RequestInit | undefined
    const spy = ((input: URL, init?: RequestInit) => {
      options = init
      return fetch(input, init)
    }) as typeof fetch
    await fetchFrom(
      (request, response) => {
        seen = Object.keys(request.headers)
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      },
      { fetchUrl: spy },
    )
    expect(options).toMatchObject({ cache: 'no-store', redirect: 'manual' })
    expect(Object.keys(options?.headers ?? {})).toEqual(['accept', 'user-agent'])
    expect(seen).not.toEqual(expect.arrayContaining(['cookie', 'authorization']))
  })

  test.each([[['10.0.0.1']], [['8.8.8.8', '127.0.0.1']], [['::ffff:10.0.0.1']], [[]]])(
    'E2 does not call a name that resolves to %j',
    async (addresses) => {
      let calls = 0
      const fetched = await fetchJson(allowed('https://good.dev/x', false), 5_120, {
        ...settings,
        fetchUrl: (async () => {
          calls++
          return Response.json({})
        }) as unknown as typeof fetch,
        resolveName: async () => addresses,
      })
      expect(fetched.outcome).toBe('unavailable')
      expect(calls).toBe(0)
    },
  )
})
