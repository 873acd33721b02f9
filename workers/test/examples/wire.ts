import { once } from 'node:events'
import { connect } from 'node:net'

/** Sends these bytes as they are and gives the whole answer: what no HTTP client would let out. */
export async function sendRaw(url: string, text: string): Promise<string> {
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(text)
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    answer += chunk
  })
  // A server that has heard enough may cut us off while we still send; what it said before counts.
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

/** A GET whose header lines are written by hand; the server is asked to close the connection afterwards. */
export function getRaw(url: string, path: string, lines: readonly string[]): Promise<string> {
  const hasHost = lines.some((line) => /^host:/i.test(line))
  const all = [...(hasHost ? [] : [`Host: ${new URL(url).host}`]), ...lines, 'Connection: close']
  return sendRaw(url, `GET ${path} HTTP/1.1\r\n${all.map((line) => `${line}\r\n`).join('')}\r\n`)
}

/** A request with a body, after which the connection is closed: the server may do so before it has read everything. */
export function sendOnce(url: string, method: string, headers: Record<string, string>, body: string): Promise<string> {
  const { host, pathname } = new URL(url)
  const size = String(Buffer.byteLength(body))
  const all = Object.entries({ Host: host, ...headers, 'Content-Length': size, Connection: 'close' })
  const head = [`${method} ${pathname} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`)]
  return sendRaw(url, `${head.join('\r\n')}\r\n\r\n${body}`)
}

export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])

export const mcpHeaders = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

/** One JSON-RPC request, as a client of 2025-11-25 posts it. */
export function rpc(url: string, method: string, params: object, headers: Record<string, string>): Promise<Response> {
  const usual = { ...mcpHeaders, 'mcp-protocol-version': '2025-11-25' }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  return fetch(url, { method: 'POST', body, headers: { ...usual, ...headers } })
}

export const callTool = (url: string, name: string, parameters: object, headers: Record<string, string>) =>
  rpc(url, 'tools/call', { name, arguments: parameters }, headers)
