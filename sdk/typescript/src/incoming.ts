import { collectJson, type JsonCollector, type JsonText } from './json-text.ts'

/** What is looked at of a request, whatever framework it came through. */
export type IncomingRequest = Readonly<{
  method: string
  /** The path as it is routed, without query. */
  path: string
  /** A header by its name in lower case; several of one name joined by commas (RFC 9110 §5.3). */
  header: (name: string) => string | null
  /** The host that was asked, where no `Host` header says it. */
  host: () => string
  /** A copy of the body as far as it is JSON; the handler finds its own untouched. */
  readJson: (maxBytes: number) => Promise<JsonText>
}>

/** A request of the Fetch API. */
export function fromFetch(
  request: Request,
  readJson: IncomingRequest['readJson'] = (maxBytes) => readCopy(request, maxBytes),
): IncomingRequest {
  const { headers } = request
  return {
    method: request.method,
    path: pathOf(request.url),
    header: (name) => headers.get(name),
    host: () => new URL(request.url).host,
    readJson,
  }
}

/** The path in an absolute URL that was parsed before, as `Request` does. */
function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const rest = url.slice(start)
  const end = rest.search(/[?#]/)
  return end === -1 ? rest : rest.slice(0, end)
}

export async function readCopy(request: Request, maxBytes: number): Promise<JsonText> {
  const reader = request.body === null ? undefined : request.clone().body?.getReader()
  const collected = collectJson(maxBytes)
  if (reader === undefined) return collected.end()
  try {
    return await collect(reader, collected)
  } catch {
    return { outcome: 'broken' }
  }
}

async function collect(reader: ReadableStreamDefaultReader<Uint8Array>, collected: JsonCollector): Promise<JsonText> {
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const stopped = collected.push(chunk.value)
    if (stopped === undefined) continue
    // Not awaited: one half of a copied stream is only cancelled when the other is, and that one is the handler's.
    reader.cancel().catch(() => undefined)
    return stopped
  }
  return collected.end()
}
