import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import { Hono } from 'hono'
import { authAgentMiddleware as expressMiddleware, userOf } from '../src/express.ts'
import { authAgentHandler } from '../src/fetch.ts'
import { type AuthAgentOptions, authAgentMiddleware, type User } from '../src/index.ts'
import { authAgentListener } from '../src/node.ts'
import { serve } from './loopback.ts'

/** What a handler answers: a stream that may take its time. */
export type Answer = { type: string; body: ReadableStream<Uint8Array> }
export type Answerer = (user: User) => Promise<Answer>

type Start = (options: AuthAgentOptions, answer: Answerer) => Parameters<typeof serve>[0]

function respond({ type, body }: Answer): Response {
  return new Response(body, { headers: { 'content-type': type } })
}

/** Each adapter as a real server, with a handler that streams. */
const starts: Record<string, Start> = {
  'Hono on Node': (options, answer) => {
    const app = new Hono().use(authAgentMiddleware(options))
    app.all('*', async (c) => respond(await answer(c.get('user'))))
    return getRequestListener(app.fetch)
  },
  'a Fetch handler on Node': (options, answer) =>
    getRequestListener(authAgentHandler(options, async (_, { user }) => respond(await answer(user)))),
  Node: (options, answer) =>
    authAgentListener(options, async (_, response, { user }) => {
      const { type, body } = await answer(user)
      response.writeHead(200, { 'content-type': type })
      await pipeline(Readable.fromWeb(body as never), response).catch(() => undefined)
    }),
  Express: (options, answer) => {
    const app = express().use(expressMiddleware(options))
    return app.use(async (request, response) => {
      const { type, body } = await answer(userOf(request))
      response.type(type).flushHeaders()
      const stream = Readable.fromWeb(body as never)
      stream.pipe(response)
      response.on('close', () => stream.destroy())
    })
  },
}

export const servers = Object.entries(starts).map(([name, start]) => ({
  name,
  start: (options: AuthAgentOptions, answer: Answerer) => serve(start(options, answer)),
}))
