import type { ServerResponse } from 'node:http'
import { formOfAnswer, UNREADABLE } from './filter-answer.ts'
import type { ListFilter } from './list-filter.ts'

/** Takes a body piece by piece and says what of it goes on. */
type BodyFilter = Readonly<{ push: (bytes: Uint8Array) => string; end: () => string }>

/**
 * Cuts down the lists in what a handler writes to a response of Node's http. Every way to send headers comes through
 * `writeHead`, so that is where the form of the answer is seen.
 */
export function filterResponse(response: ServerResponse, filter: ListFilter): void {
  const writeHead = response.writeHead.bind(response)
  const write = response.write.bind(response)
  const end = response.end.bind(response)
  let body: BodyFilter | undefined

  response.writeHead = (status: number, ...rest: unknown[]) => {
    setHeaders(response, rest.at(-1))
    const form = formOfAnswer(textOf(response, 'content-type'), textOf(response, 'content-encoding'))
    body = form === 'other' ? undefined : createBodyFilter(form, filter)
    if (body !== undefined) response.removeHeader('content-length')
    if (form === 'encoded') {
      filter.unreadable()
      return writeUnreadable(response, writeHead)
    }
    return typeof rest[0] === 'string' ? writeHead(status, rest[0]) : writeHead(status)
  }
  response.write = (chunk: unknown, ...rest: unknown[]) => {
    if (!response.headersSent) response.writeHead(response.statusCode)
    if (body === undefined) return Reflect.apply(write, undefined, [chunk, ...rest])
    const passed = body.push(toBytes(chunk, rest[0]))
    const callback = rest.find(isCallback)
    if (passed !== '') return write(passed, callback)
    if (callback !== undefined) process.nextTick(callback)
    return true
  }
  response.end = (...args: unknown[]) => {
    if (!response.headersSent) response.writeHead(response.statusCode)
    if (body === undefined) return Reflect.apply(end, undefined, args)
    const [chunk, encoding] = args
    const last = isCallback(chunk) || chunk === undefined || chunk === null ? '' : body.push(toBytes(chunk, encoding))
    return end(last + body.end(), args.find(isCallback))
  }
}

function createBodyFilter(form: 'json' | 'events' | 'encoded', filter: ListFilter): BodyFilter {
  if (form === 'encoded') return { push: () => '', end: () => UNREADABLE.text }
  const decoder = new TextDecoder()
  if (form === 'events') {
    const events = filter.events()
    return {
      push: (bytes) => events.push(decoder.decode(bytes, { stream: true })),
      end: () => events.push(decoder.decode()) + events.end(),
    }
  }
  let text = ''
  return {
    push(bytes) {
      text += decoder.decode(bytes, { stream: true })
      return ''
    },
    end: () => filter.json(text + decoder.decode()),
  }
}

function writeUnreadable(response: ServerResponse, writeHead: (status: number) => ServerResponse): ServerResponse {
  response.removeHeader('content-encoding')
  for (const [name, value] of Object.entries(UNREADABLE.headers)) response.setHeader(name, value)
  return writeHead(UNREADABLE.status)
}

/** Sets the headers given to `writeHead`. */
function setHeaders(response: ServerResponse, headers: unknown): void {
  if (typeof headers !== 'object' || headers === null) return
  const pairs = Array.isArray(headers) ? pairUp(headers) : Object.entries(headers)
  for (const [name] of pairs) response.removeHeader(name)
  for (const [name, value] of pairs) response.appendHeader(name, value)
}

/** A list of pairs, or one that alternates names and values. */
function pairUp(headers: readonly unknown[]) {
  const flat = Array.isArray(headers[0]) ? headers.flat() : headers
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name), flat[index + 1]] as const] : []))
}

function textOf(response: ServerResponse, name: string): string | null {
  const value = response.getHeader(name)
  return value === undefined ? null : String(value)
}

function toBytes(chunk: unknown, encoding: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk !== 'string') throw new TypeError('a response is written in texts and bytes')
  return Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8')
}

function isCallback(argument: unknown): argument is () => void {
  return typeof argument === 'function'
}
