import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IncomingRequest } from './incoming.ts'
import { isRecord } from './json.ts'
import { collectJson, type JsonText } from './json-text.ts'

/** What frameworks on Node's http add to a request. */
export type NodeRequest = IncomingMessage & {
  /** The whole target, where a router has cut its own part off `url`. */
  originalUrl?: string
  /** What a body parser before us has made of the body. */
  body?: unknown
}

export function fromNode(request: NodeRequest, response: ServerResponse): IncomingRequest {
  return {
    method: request.method ?? '',
    path: pathOf(request.originalUrl ?? request.url ?? ''),
    header: (name) => joinHeader(request, name),
    // HTTP/2 has the host there (RFC 9113 §8.3.1).
    host: () => joinHeader(request, ':authority') ?? '',
    readJson: (maxBytes) => readCopy(request, response, maxBytes),
  }
}

/** As it came, never normalised: a path that only means the same as ours is not ours (THREATS L14). */
function pathOf(target: string): string {
  const end = target.search(/[?#]/)
  const path = end === -1 ? target : target.slice(0, end)
  // Absolute form (RFC 9112 §3.2.2).
  return path.startsWith('/') || !URL.canParse(path) ? path : new URL(path).pathname
}

/**
 * All headers of one name, as they came: `request.headers` shows only the first of several `Authorization` or `Host`.
 */
function joinHeader(request: IncomingMessage, name: string): string | null {
  const { rawHeaders } = request
  let joined: string | null = null
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const written = rawHeaders[index] ?? ''
    if (written.length !== name.length || written.toLowerCase() !== name) continue
    const value = rawHeaders[index + 1] ?? ''
    joined = joined === null ? value : `${joined}, ${value}`
  }
  return joined
}

async function readCopy(request: NodeRequest, response: ServerResponse, maxBytes: number): Promise<JsonText> {
  // A parser that did not care for this body may have left an empty object where the stream is still whole.
  if (request.readableDidRead) return readParsed(request.body, maxBytes)
  if (!hasBody(request)) return { outcome: 'empty' }
  // Node throws away a body that nobody reads, or the next request of the connection would wait behind it; but one that
  // was looked at counts as read.
  response.once('finish', () => request.resume())
  const read = await peek(request, maxBytes)
  forgetReading(request)
  return read
}

/**
 * Whoever asks `readableDidRead` before reading, as servers of the Fetch API on Node do, would not read what was put
 * back. Where a runtime keeps that elsewhere, this changes nothing.
 */
function forgetReading(request: IncomingMessage): void {
  const state: unknown = Reflect.get(request, '_readableState')
  if (isRecord(state) && state.dataEmitted === true) state.dataEmitted = false
}

function readParsed(body: unknown, maxBytes: number): JsonText {
  if (body === undefined) return { outcome: 'consumed' }
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return { outcome: 'parsed', value: body }
  const collected = collectJson(maxBytes)
  return collected.push(typeof body === 'string' ? new TextEncoder().encode(body) : body) ?? collected.end()
}

/** RFC 9112 §6.3. In HTTP/2 no header need tell of a body (RFC 9113 §8.1). */
function hasBody({ headers, httpVersionMajor }: IncomingMessage): boolean {
  if (httpVersionMajor > 1 || headers['transfer-encoding'] !== undefined) return true
  return headers['content-length'] !== undefined && headers['content-length'] !== '0'
}

/** Whether nothing more comes. A request of HTTP/2 says so only when its end has been read; its stream is earlier. */
function isComplete(request: IncomingMessage): boolean {
  const stream: unknown = request.httpVersionMajor > 1 ? Reflect.get(request, 'stream') : undefined
  return request.complete || (isRecord(stream) && stream.readableEnded === true)
}

/** Reads what is needed and puts it back, so that the handler finds the stream as it was. */
function peek(request: IncomingMessage, maxBytes: number): Promise<JsonText> {
  return new Promise((resolve) => {
    const collected = collectJson(maxBytes)
    let isWaiting = false
    const leave = (read: JsonText) => {
      if (isWaiting) request.off('readable', take).off('error', fail).off('close', fail)
      // In this turn: `end` is told after it, and then nothing can be put back any more.
      putBack(request, collected.bytes())
      resolve(read)
    }
    const fail = () => leave({ outcome: 'broken' })
    const take = () => {
      // An empty buffer is not read from: that would tell `end` before the handler listens.
      while (request.readableLength > 0) {
        const stopped = collected.push(readBytes(request))
        if (stopped !== undefined) return leave(stopped)
      }
      if (isComplete(request)) return leave(collected.end())
      if (isWaiting) return
      isWaiting = true
      request.on('readable', take).on('error', fail).on('close', fail)
    }
    if (request.destroyed) fail()
    else take()
  })
}

function readBytes(request: IncomingMessage): Uint8Array {
  const piece: Uint8Array | string = request.read()
  return typeof piece === 'string' ? Buffer.from(piece, request.readableEncoding ?? 'utf8') : piece
}

function putBack(request: IncomingMessage, bytes: Uint8Array): void {
  const { readableEncoding } = request
  if (bytes.byteLength === 0) return
  request.unshift(readableEncoding === null ? bytes : Buffer.from(bytes).toString(readableEncoding))
}
