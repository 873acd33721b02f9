import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Seen, Sent } from './adapters.ts'

// What HTTP adds by itself.
const OF_HTTP = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding'])

/** Serves on a free loopback port with room for every header of the contract. */
export async function serve(listener: RequestListener) {
  let tell = () => {}
  const server = createServer({ maxHeaderSize: 1_048_576 }, (request, response) => {
    listener(request, response)
    tell()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const arrived = (count: number) =>
    new Promise<void>((resolve) => {
      let missing = count
      tell = () => {
        missing -= 1
        // What the last one sets off in this turn is over in the next.
        if (missing === 0) setImmediate(resolve)
      }
    })
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { port, arrived, close }
}

/** Sends a request to a loopback port with its headers as they are, repeated ones repeatedly. */
export async function sendTo(port: number, sent: Sent): Promise<Seen> {
  const response = await open(port, sent)
  const headers: Record<string, string> = {}
  for (const [name, value] of pairs(response.rawHeaders)) {
    if (OF_HTTP.has(name)) continue
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  return { status: response.statusCode ?? 0, headers, text: (await buffer(response)).toString() }
}

export function open(port: number, { origin, target, method, headers, body }: Sent): Promise<IncomingMessage> {
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const sizeBytes = body === null ? 0 : Buffer.byteLength(body)
  const raw = [...headers]
  if (!given.has('host')) raw.unshift(['Host', new URL(origin).host])
  if (body !== null) raw.push(['Content-Length', String(sizeBytes)])
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: target, method, headers: raw.flat(), agent: false }
    const going = request(options, resolve).on('error', reject)
    going.end(body ?? undefined)
  })
}

function pairs(rawHeaders: readonly string[]): [string, string][] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ''] as [string, string]] : [],
  )
}
