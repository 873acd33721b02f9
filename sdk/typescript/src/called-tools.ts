import { isRecord, parseJson } from './json.ts'

/** The tools a request calls, or why it cannot be said. */
export type CalledTools =
  | { outcome: 'read'; tools: readonly string[] }
  | { outcome: 'too_large' }
  | { outcome: 'encoded' }
  | { outcome: 'not_json' }
  | { outcome: 'header_mismatch'; header: 'Mcp-Method' | 'Mcp-Name'; id: string | number | null }

const NO_TOOLS: CalledTools = { outcome: 'read', tools: [] }

/**
 * Reads a JSON-RPC body, single or batch, from a copy, so that the handler finds its own untouched. The content type
 * is not asked: a handler might not ask either. A body that does not begin like JSON is left alone after its first
 * bytes; one that does and is none is refused, because what we cannot read somebody else might.
 */
export async function readCalledTools(request: Request, maxBytes: number): Promise<CalledTools> {
  if (request.body === null) return NO_TOOLS
  const encoding = request.headers.get('content-encoding') ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') return { outcome: 'encoded' }
  const text = await readIfJson(request, maxBytes)
  if (text === undefined) return { outcome: 'too_large' }
  if (text === '') return NO_TOOLS
  const body = parseJson(text)
  if (body === undefined) return { outcome: 'not_json' }
  const mismatch = findMismatch(body, request.headers)
  if (mismatch !== undefined) return mismatch
  const messages = Array.isArray(body) ? body : [body]
  return { outcome: 'read', tools: messages.flatMap(toolOf) }
}

/** The text of a body that begins with `{` or `[`; empty for any other; undefined where it is too long. */
async function readIfJson(request: Request, maxBytes: number): Promise<string | undefined> {
  const reader = request.clone().body?.getReader()
  if (reader === undefined) return ''
  const decoder = new TextDecoder() // drops a byte order mark, as Request.json() does
  let text = ''
  let sizeBytes = 0
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    sizeBytes += chunk.value.byteLength
    if (sizeBytes > maxBytes) {
      leave(reader)
      return undefined
    }
    const more = decoder.decode(chunk.value, { stream: true })
    text += text === '' ? more.replace(/^[ \t\r\n]+/, '') : more
    if (text !== '' && !/^[{[]/.test(text)) {
      leave(reader)
      return ''
    }
  }
  return text + decoder.decode()
}

/** Not awaited: one half of a copied stream is only cancelled when the other is, and that one is the handler's. */
function leave(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  reader.cancel().catch(() => undefined)
}

function toolOf(message: unknown): readonly string[] {
  if (!isRecord(message) || message.method !== 'tools/call' || !isRecord(message.params)) return []
  return typeof message.params.name === 'string' ? [message.params.name] : []
}

/** Headers that mirror the body must agree with it (MCP 2026-07-28, Streamable HTTP, Server Validation). */
function findMismatch(body: unknown, headers: Headers): CalledTools | undefined {
  const message = isRecord(body) ? body : {}
  const id = typeof message.id === 'string' || typeof message.id === 'number' ? message.id : null
  const method = headers.get('mcp-method')
  if (method !== null && method !== message.method) return { outcome: 'header_mismatch', header: 'Mcp-Method', id }
  const name = headers.get('mcp-name')
  const params = isRecord(message.params) ? message.params : {}
  const expected = message.method === 'resources/read' ? params.uri : params.name
  if (name !== null && decodeName(name) !== expected) return { outcome: 'header_mismatch', header: 'Mcp-Name', id }
  return undefined
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
