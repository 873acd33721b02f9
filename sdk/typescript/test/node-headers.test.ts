import type { ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { authAgentMiddleware } from '../src/index.ts'
import { sendTo, serve } from './loopback.ts'
import { activeAnswer, makeOptions, makeToken } from './support.ts'

const APP = 'https://app.example'
const ours = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'WWW-Authenticate, Mcp-Session-Id, Retry-After, DPoP-Nonce',
}

/** A handler that answers on Node's own response, past Hono. */
function past(answer: (response: ServerResponse) => void) {
  return (c: Context) => {
    answer(c.env.outgoing)
    return RESPONSE_ALREADY_SENT
  }
}

const untouched: Record<string, (c: Context) => Response> = {
  'one header': (c) => c.json({}),
  'no header': (c) => c.body(null),
  'several headers': (c) => c.text('', 200, { 'X-One': '1', 'X-Two': '2' }),
  'a header of another middleware': (c) => {
    c.env.outgoing.setHeader('X-One', '1')
    return c.json({})
  },
  'a status text': past((response) => response.writeHead(200, 'Fine', { 'X-One': '1' }).end()),
  'a list of headers': past((response) => response.writeHead(200, ['X-One', '1']).end()),
  'no head at all': past((response) => response.end()),
}

const own: Record<string, (c: Context) => Response> = {
  'in lower case': (c) => c.json({}, 200, { 'access-control-allow-origin': APP }),
  'by the context': (c) => {
    c.header('Access-Control-Allow-Origin', APP)
    return c.text('')
  },
  'on the response itself, before its head': (c) => {
    c.env.outgoing.setHeader('Access-Control-Allow-Origin', APP)
    return c.json({})
  },
  'in a list': past((response) => response.writeHead(200, ['access-control-allow-origin', APP]).end()),
  'with a status text': past((response) => response.writeHead(200, 'OK', { 'Access-Control-Allow-Origin': APP }).end()),
}

async function ask(handler: (c: Context) => Response) {
  const app = new Hono().use(authAgentMiddleware(makeOptions(() => activeAnswer()).options)).all('*', handler)
  const server = await serve(getRequestListener(app.fetch))
  const headers: [string, string][] = [['Authorization', `Bearer ${makeToken()}`]]
  const sent = { origin: 'https://mcp.example', target: '/mcp', method: 'GET', body: null, headers }
  const seen = await sendTo(server.port, sent)
  await server.close()
  return seen
}

describe('headers of an answer that Hono sends through Node', () => {
  it.each(Object.entries(untouched))('come with an answer of %s', async (_, handler) => {
    const { status, headers } = await ask(handler)
    expect(status).toBe(200)
    expect(headers).toMatchObject(ours)
  })

  it.each(Object.entries(own))('are left alone where the handler has set them itself, %s', async (_, handler) => {
    const { status, headers } = await ask(handler)
    expect(status).toBe(200)
    expect(headers).toMatchObject({ ...ours, 'access-control-allow-origin': APP })
  })
})
