import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'hono'
import type { Access } from './access.ts'
import { ANY_ORIGIN } from './cors.ts'
import { isRecord } from './json.ts'

/** What the server of `@hono/node-server` hands to an application beside the request. */
type NodeBindings = Readonly<{ incoming: IncomingMessage; outgoing: ServerResponse }>

/** Node's own request and response, where there are any behind the ones of the Fetch API. */
export function nodeBehind(c: Context): NodeBindings | undefined {
  const env: unknown = c.env
  return isNodeBindings(env) ? env : undefined
}

function isNodeBindings(env: unknown): env is NodeBindings {
  if (typeof env !== 'object' || env === null || !('incoming' in env) || !('outgoing' in env)) return false
  return hasMethod(env.incoming, 'unshift') && hasMethod(env.outgoing, 'writeHead')
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function'
}

/**
 * Whether the handler will read its body from Node's own request: it will not where a middleware has read it, or put
 * another request in its place. Node's server keeps the one inside the other under a symbol, and beside it the whole
 * `Request` as soon as anybody has needed that.
 */
export function isUntouched(request: Request, incoming: IncomingMessage): boolean {
  const kept = Object.getOwnPropertySymbols(request).map((symbol): unknown => Reflect.get(request, symbol))
  const isOwn = kept.includes(incoming) && !kept.some((value) => value instanceof Request)
  return isOwn && !incoming.readableDidRead && !('rawBody' in incoming)
}

/**
 * Sets the headers of an access on Node's own response, to which Hono's answer adds its own: a Response whose headers
 * are touched costs Node's server more than all the rest of this package. False where that cannot be done.
 */
export function setHeadersBehind(c: Context, access: Access): boolean {
  // A handler's own Vary would come instead of ours, not beside it; and a list has to be seen to be cut.
  if (access.headers !== ANY_ORIGIN || access.listFilter !== undefined) return false
  const outgoing = nodeBehind(c)?.outgoing
  if (outgoing === undefined || outgoing.headersSent) return false
  setWhenSent(outgoing)
  return true
}

const SET: Readonly<Record<string, string>> = Object.fromEntries(ANY_ORIGIN)
const SET_NAMES: ReadonlySet<string> = new Set(ANY_ORIGIN.map(([name]) => name.toLowerCase()))

/**
 * Sets the headers that the answer has not itself, when all are there: Node writes headers that come with `writeHead`
 * at once, but ones that were set before it are kept, checked and merged with those one by one.
 */
function setWhenSent(outgoing: ServerResponse): void {
  const { writeHead } = outgoing
  outgoing.writeHead = (status: number, ...rest: unknown[]) => {
    const [headers] = rest
    if (rest.length === 1 && isRecord(headers) && outgoing.getHeaderNames().length === 0 && !hasOurs(headers)) {
      return Reflect.apply(writeHead, outgoing, [status, { ...SET, ...headers }])
    }
    for (const [name, value] of ANY_ORIGIN) if (!outgoing.hasHeader(name)) outgoing.setHeader(name, value)
    return Reflect.apply(writeHead, outgoing, [status, ...rest])
  }
}

function hasOurs(headers: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(headers).some((name) => SET_NAMES.has(name.toLowerCase()))
}
