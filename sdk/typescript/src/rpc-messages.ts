import { assertNever } from './assert-never.ts'
import type { IncomingRequest } from './incoming.ts'
import { isRecord, parseJson } from './json.ts'

/** The JSON-RPC messages of a request, or why they cannot be had. */
export type RpcMessages =
  | { outcome: 'read'; messages: readonly Message[] }
  | { outcome: 'too_large' }
  | { outcome: 'encoded' }
  | { outcome: 'foreign_charset' }
  | { outcome: 'consumed' }
  | { outcome: 'broken' }
  | { outcome: 'not_json' }
  | { outcome: 'header_mismatch'; header: 'Mcp-Method' | 'Mcp-Name'; id: string | number | null }

export type Message = Readonly<Record<string, unknown>>

const NO_MESSAGES: RpcMessages = { outcome: 'read', messages: [] }

// RFC 8259 §8.1. A handler that believes in another charset, as parsers of Express do, might read another name.
const OF_JSON = /^(utf-?8|us-ascii)$/
// The ones in which a text that does not begin like JSON does not begin like it in any reading.
const OF_OTHER_TEXTS = /^(utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d)$/

/**
 * Reads a JSON-RPC body, single or batch. The content type is not asked: a handler might not ask either. A body that
 * begins like JSON and is none is refused, because what we cannot read somebody else might.
 */
export async function readMessages(request: IncomingRequest, maxBytes: number): Promise<RpcMessages> {
  const read = await request.readJson(maxBytes)
  switch (read.outcome) {
    case 'empty':
      return NO_MESSAGES
    case 'other':
      return findDisguise(request, OF_OTHER_TEXTS) ?? NO_MESSAGES
    case 'text':
      return findDisguise(request, OF_JSON) ?? checkBody(parseJson(read.text), request)
    case 'parsed':
      return checkBody(read.value, request)
    case 'too_large':
      return isEncoded(request) ? { outcome: 'encoded' } : read
    case 'consumed':
    case 'broken':
      return read
    default:
      return assertNever(read)
  }
}

/** What keeps us from reading a body as its handler will. */
function findDisguise(request: IncomingRequest, charsets: RegExp): RpcMessages | undefined {
  if (isEncoded(request)) return { outcome: 'encoded' }
  return saidCharsets(request).every((charset) => charsets.test(charset)) ? undefined : { outcome: 'foreign_charset' }
}

function isEncoded(request: IncomingRequest): boolean {
  return (request.header('content-encoding') ?? 'identity').toLowerCase() !== 'identity'
}

/** Each `charset` of the content type, wherever a parser might find one. */
function saidCharsets(request: IncomingRequest): string[] {
  const contentType = request.header('content-type')?.toLowerCase() ?? ''
  return [...contentType.matchAll(/charset[*\s]*=[\s"]*([^\s";,]*)/g)].map(([, charset = '']) => charset)
}

function checkBody(body: unknown, request: IncomingRequest): RpcMessages {
  if (body === undefined) return { outcome: 'not_json' }
  return findMismatch(body, request) ?? { outcome: 'read', messages: [body].flat().filter(isRecord) }
}

/** Headers that mirror the body must agree with it (MCP 2026-07-28, Streamable HTTP, Server Validation). */
function findMismatch(body: unknown, request: IncomingRequest): RpcMessages | undefined {
  const message = isRecord(body) ? body : {}
  const id = typeof message.id === 'string' || typeof message.id === 'number' ? message.id : null
  const method = request.header('mcp-method')
  if (method !== null && method !== message.method) return { outcome: 'header_mismatch', header: 'Mcp-Method', id }
  const name = request.header('mcp-name')
  const params = isRecord(message.params) ? message.params : {}
  const expected = params[mirroredMember(message.method)]
  const isAgreed = name === null || (expected !== undefined && decodeName(name) === expected)
  if (!isAgreed) return { outcome: 'header_mismatch', header: 'Mcp-Name', id }
  return undefined
}

/** The member of `params` that `Mcp-Name` repeats (MCP 2026-07-28, Standard Request Headers; SEP-2663 for tasks). */
function mirroredMember(method: unknown): 'name' | 'uri' | 'taskId' {
  switch (method) {
    case 'resources/read':
      return 'uri'
    case 'tasks/get':
    case 'tasks/update':
    case 'tasks/cancel':
      return 'taskId'
    default:
      return 'name'
  }
}

/** `=?base64?…?=` carries a name that is no plain ASCII; undefined where it carries none. */
function decodeName(value: string): string | undefined {
  const encoded = /^=\?base64\?([0-9A-Za-z+/]*={0,2})\?=$/.exec(value)?.[1]
  if (encoded === undefined) return value
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
