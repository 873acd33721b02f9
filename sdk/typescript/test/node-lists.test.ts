import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { authAgentMiddleware } from '../src/express.ts'
import { authAgentListener } from '../src/node.ts'
import { sendTo, serve } from './loopback.ts'
import { activeAnswer, makeOptions, makeToken } from './support.ts'

const listTools = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
const listed = (...names: string[]) => ({ jsonrpc: '2.0', id: 1, result: { tools: names.map((name) => ({ name })) } })
const whole = JSON.stringify(listed('read_file', 'write_file'))
const cut = JSON.stringify(listed('read_file'))
const { options, logged } = makeOptions(() => activeAnswer(), {
  toolScopes: { write_file: ['files:write'] },
  filterLists: true,
})

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function ask(listener: (request: IncomingMessage, response: ServerResponse) => unknown, body = listTools) {
  const { port, close } = await serve(listener)
  closers.push(close)
  const headers: [string, string][] = [['Authorization', `Bearer ${makeToken()}`]]
  return sendTo(port, { origin: 'https://mcp.example', target: '/mcp', method: 'POST', headers, body })
}

type Write = (response: ServerResponse) => unknown

const json = 'application/json'
const ways: Record<string, Write> = {
  'setHeader and end': (response) => response.setHeader('Content-Type', json).end(whole),
  'a content-length of its own': (response) =>
    response.writeHead(200, { 'content-type': json, 'content-length': whole.length }).end(whole),
  'headers as a list': (response) => response.writeHead(200, ['Content-Type', json, 'X-A', 'b']).end(whole),
  'headers as pairs': (response) =>
    response.writeHead(200, 'OK', [['Content-Type', json] as never, ['X-A', 'b'] as never]).end(whole),
  'several writes': (response) => {
    response.writeHead(200, { 'Content-Type': json })
    for (const letter of whole) response.write(letter)
    response.end()
  },
  'bytes and callbacks': (response) => {
    response.setHeader('Content-Type', json)
    response.write(Buffer.from(whole.slice(0, 20)), () => response.end(Buffer.from(whole.slice(20)), () => {}))
  },
  'another encoding': (response) =>
    response.setHeader('Content-Type', json).end(Buffer.from(whole).toString('base64'), 'base64'),
  'flushed headers': (response) => {
    response.setHeader('Content-Type', json).flushHeaders()
    response.end(whole)
  },
}

describe('a list that a handler on Node writes', () => {
  it.each(Object.entries(ways))('with %s is cut', async (_, write) => {
    const seen = await ask(authAgentListener(options, (_request, response) => write(response)))
    expect([seen.status, seen.headers['content-type'], seen.text]).toEqual([200, json, cut])
  })

  it.each([
    ['json', (response: express.Response) => response.json(listed('read_file', 'write_file'))],
    ['send', (response: express.Response) => response.type('json').send(whole)],
  ])('with %s of Express is cut', async (_, answer) => {
    const app = express().use(authAgentMiddleware(options))
    app.use((_request, response) => void answer(response))
    expect((await ask(app)).text).toBe(cut)
  })

  it.each([
    ['without a body', (response: ServerResponse) => response.writeHead(202).end(), ''],
    ['with a callback alone', (response: ServerResponse) => response.end(() => {}), ''],
    ['as plain text', (response: ServerResponse) => response.end(whole), whole],
  ])('is left alone %s', async (_, write, text) => {
    expect((await ask(authAgentListener(options, (_request, response) => write(response)))).text).toBe(text)
  })

  it('is not sent where it was encoded, whatever follows', async () => {
    const seen = await ask(
      authAgentListener(options, (_, response) => {
        response.writeHead(200, 'OK', { 'content-type': json, 'content-encoding': 'gzip', 'content-length': 3 })
        response.write('abc')
        response.end('def')
      }),
    )
    expect([seen.status, seen.headers['content-encoding']]).toEqual([500, undefined])
    expect(JSON.parse(seen.text).error.code).toBe(-32603)
    expect(logged.join()).toContain('encoded before filterLists could see it')
  })

  it('is written in texts and bytes only', async () => {
    const thrown: unknown[] = []
    await ask(
      authAgentListener(options, (_, response) => {
        response.setHeader('content-type', json)
        try {
          response.write(7)
        } catch (error) {
          thrown.push(error)
        }
        response.end()
      }),
    )
    expect(thrown).toEqual([expect.any(TypeError)])
  })
})
