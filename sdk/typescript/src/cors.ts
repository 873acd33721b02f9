import type { Config } from './config.ts'
import type { IncomingRequest } from './incoming.ts'

export type HeaderList = readonly (readonly [name: string, value: string])[]

// What MCP clients in browsers send, of 2026-07-28 and of the revisions before.
const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'DPoP',
  'Last-Event-ID',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Session-Id',
]
const EXPOSED = ['Access-Control-Expose-Headers', 'WWW-Authenticate, Mcp-Session-Id, Retry-After, DPoP-Nonce'] as const

/** The headers of every answer where any origin may ask. */
export const ANY_ORIGIN: HeaderList = [['Access-Control-Allow-Origin', '*'], EXPOSED]
const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
const PREFLIGHT_SECONDS = 7200

/** Only what a browser really sends before a request counts; any other OPTIONS needs a token like every request. */
export function isPreflight({ method, header }: IncomingRequest): boolean {
  return method === 'OPTIONS' && header('origin') !== null && header('access-control-request-method') !== null
}

/** Answered before authentication, because browsers send preflights without credentials. */
export function answerPreflight(request: IncomingRequest, config: Config): Response {
  const asked = request.header('access-control-request-headers') ?? ''
  const headers = new Headers([
    ['Access-Control-Allow-Methods', ALLOWED_METHODS],
    ['Access-Control-Allow-Headers', [...ALLOWED_HEADERS, ...parameterHeaders(asked)].join(', ')],
    ['Access-Control-Max-Age', String(PREFLIGHT_SECONDS)],
    ['Vary', 'Access-Control-Request-Headers'],
  ])
  return withCors(new Response(null, { status: 204, headers }), originHeaders(request, config))
}

/** The headers of every answer, refusals included. Never credentials: a token is sent by the page, not the browser. */
export function corsHeaders(request: IncomingRequest, config: Config): HeaderList {
  return [...originHeaders(request, config), EXPOSED]
}

export function withCors(response: Response, headers: HeaderList): Response {
  for (const [name, value] of headers) {
    if (name === 'Vary') response.headers.append(name, value)
    else response.headers.set(name, value)
  }
  return response
}

function originHeaders(request: IncomingRequest, config: Config): HeaderList {
  if (config.allowedOrigins === undefined) return [['Access-Control-Allow-Origin', '*']]
  const origin = request.header('origin')
  // Only origins from the list come as far as this.
  return origin === null
    ? [['Vary', 'Origin']]
    : [
        ['Access-Control-Allow-Origin', origin],
        ['Vary', 'Origin'],
      ]
}

/** `Mcp-Param-…` headers (MCP 2026-07-28, Streamable HTTP) have names that only the tools know. */
function parameterHeaders(asked: string): readonly string[] {
  return asked
    .slice(0, 4096)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => /^mcp-param-[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/i.test(name))
}
