import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import { Hono } from 'hono'
import { authAgentMiddleware as expressMiddleware, userOf } from '../src/express.ts'
import { authAgentHandler } from '../src/fetch.ts'
import { type AuthAgentOptions, authAgentMiddleware, createGuard, type User } from '../src/index.ts'
import { authAgentListener } from '../src/node.ts'
import type { HandlerAnswer } from './contract-case.ts'
import { sendTo, serve } from './loopback.ts'
import { streamOf } from './support.ts'

/** A request as it is sent: the target as it is written, repeated headers repeatedly. */
export type Sent = {
  origin: string
  target: string
  method: string
  headers: [string, string][]
  body: string | Uint8Array<ArrayBuffer> | null
}

/** What came back; `text` is the whole body. */
export type Seen = { status: number; headers: Record<string, string>; text: string }

/** The handler behind the middleware: it answers every path, with the user or with `answer`. */
export type Handler = { answer: HandlerAnswer | undefined; ran: (user: User) => void }

/** One way to protect a handler. */
export type Adapter = {
  name: string
  start: (options: AuthAgentOptions, handler: Handler) => Promise<Served>
}

export type Served = {
  send: (sent: Sent) => Promise<Seen>
  /** When so many more requests have come to the middleware. */
  arrived: (count: number) => Promise<void>
  close: () => Promise<void>
}

type Fetch = (request: Request) => Response | Promise<Response>
type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

function onFetch(name: string, protect: (options: AuthAgentOptions, handler: Handler) => Fetch): Adapter {
  const start = async (options: AuthAgentOptions, handler: Handler) => {
    const fetch = protect(options, handler)
    const send = async ({ origin, target, ...init }: Sent): Promise<Seen> => {
      const response = await fetch(new Request(`${origin}${target}`, init))
      // A server sends no body in answer to HEAD, whatever it was given (RFC 9110 §9.3.2).
      const text = init.method === 'HEAD' ? '' : await response.text()
      return { status: response.status, headers: Object.fromEntries(response.headers), text }
    }
    return { send, arrived: async () => {}, close: async () => {} }
  }
  return { name, start }
}

function onNode(name: string, protect: (options: AuthAgentOptions, handler: Handler) => Listener): Adapter {
  const start = async (options: AuthAgentOptions, handler: Handler) => {
    const { port, arrived, close } = await serve(protect(options, handler))
    return { send: (sent: Sent) => sendTo(port, sent), arrived, close }
  }
  return { name, start }
}

function respond(handler: Handler, user: User): Response {
  handler.ran(user)
  const { answer } = handler
  if (answer === undefined) return Response.json(user)
  const { status, headers } = answer
  const body = piecesOf(answer)
  return new Response(body.length === 0 ? null : streamOf(body), { status, headers })
}

async function write(handler: Handler, user: User, response: ServerResponse): Promise<void> {
  handler.ran(user)
  const { answer } = handler
  if (answer === undefined) {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(user))
    return
  }
  response.writeHead(answer.status, answer.headers)
  for (const piece of piecesOf(answer)) response.write(piece)
  response.end()
}

function piecesOf({ body, text, base64, chunks }: HandlerAnswer): Uint8Array<ArrayBuffer>[] {
  if (base64 !== undefined) return [Buffer.from(base64, 'base64')]
  const pieces = chunks ?? [text ?? JSON.stringify(body)]
  return pieces.filter((piece) => piece !== '').map((piece) => new TextEncoder().encode(piece))
}

export const adapters: readonly Adapter[] = [
  onFetch('Hono', (options, handler) => {
    const hono = new Hono().use(authAgentMiddleware(options))
    hono.all('*', (c) => respond(handler, c.get('user')))
    return hono.fetch
  }),
  onFetch('createGuard', (options, handler) => {
    const guard = createGuard(options)
    return async (request) => {
      const decision = await guard.check(request)
      if (decision.outcome === 'answer') return decision.response
      return decision.access.finish(respond(handler, decision.access.user))
    }
  }),
  onFetch('Fetch', (options, handler) => authAgentHandler(options, (_, { user }) => respond(handler, user))),
  onNode('Node', (options, handler) =>
    authAgentListener(options, (_, response, { user }) => write(handler, user, response)),
  ),
  onNode('Express', (options, handler) => {
    const app = express().disable('x-powered-by').use(expressMiddleware(options))
    return app.use((request, response) => write(handler, userOf(request), response))
  }),
]
