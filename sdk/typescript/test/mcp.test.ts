import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Client, type ClientOptions, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createMcpExpressApp } from '@modelcontextprotocol/express'
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node'
import { type AuthInfo, createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { accessOf, authAgentMiddleware as expressMiddleware } from '../src/express.ts'
import { authAgentHandler } from '../src/fetch.ts'
import { type AuthAgentOptions, accessOf as accessOfContext, authAgentMiddleware } from '../src/index.ts'
import { toAuthInfo } from '../src/mcp.ts'
import { authAgentListener } from '../src/node.ts'
import { activeAnswer, makeOptions, makeToken } from './support.ts'

function buildServer(): McpServer {
  const server = new McpServer({ name: 'test', version: '1.0.0' })
  for (const name of ['whoami', 'write_file']) {
    server.registerTool(name, { description: name }, (context) => ({
      content: [{ type: 'text', text: `${name} for ${context.http?.authInfo?.extra?.sub}` }],
    }))
  }
  return server
}

const handler = createMcpHandler(buildServer)

type Protect = (options: AuthAgentOptions) => RequestListener

/** How the official server packages are put behind each adapter. */
const protects: Record<string, Protect> = {
  Hono: (options) => {
    const app = new Hono().use(authAgentMiddleware(options))
    app.all('/mcp', (c) => handler.fetch(c.req.raw, { authInfo: toAuthInfo(accessOfContext(c)) }))
    return getRequestListener(app.fetch)
  },
  Fetch: (options) =>
    getRequestListener(
      authAgentHandler(options, (request, access) => handler.fetch(request, { authInfo: toAuthInfo(access) })),
    ),
  Node: (options) => {
    const mcp = toNodeHandler(handler)
    return authAgentListener(options, (request: IncomingMessage & { auth?: AuthInfo }, response, access) => {
      request.auth = toAuthInfo(access)
      // Its own type of a request does not know exactOptionalPropertyTypes.
      return mcp(request as never, response)
    })
  },
  'Express, behind its JSON parser': (options) => {
    const app = createMcpExpressApp().use(expressMiddleware(options))
    return app.post('/mcp', async (request, response) => {
      request.auth = toAuthInfo(accessOf(request))
      const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: undefined })
      await buildServer().connect(transport)
      await transport.handleRequest(request, response, request.body)
    })
  },
}

const revisions: [string, ClientOptions][] = [
  ['2026-07-28', { versionNegotiation: { mode: { pin: '2026-07-28' } } }],
  ['2025-11-25', { supportedProtocolVersions: ['2025-11-25'] }],
]

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function connect(protect: Protect, scope: string, options: ClientOptions): Promise<Client> {
  const { options: own } = makeOptions(() => activeAnswer({ sub: 'ada', scope }), {
    toolScopes: { write_file: ['files:write'] },
    filterLists: true,
  })
  const server = createServer(protect(own))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => server.closeAllConnections(),
  )
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
  const client = new Client({ name: 'test', version: '1.0.0' }, options)
  const headers = { authorization: `Bearer ${makeToken()}` }
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }))
  closers.push(() => client.close())
  return client
}

describe.each(Object.entries(protects))('the official packages behind %s', (name, protect) => {
  // The stateful transport of the Node package speaks the revisions before 2026-07-28 alone.
  const spoken = name.startsWith('Express') ? revisions.slice(1) : revisions

  it.each(spoken)('a client of %s sees and calls what its token allows', async (revision, options) => {
    const client = await connect(protect, 'files:read', options)
    expect(client.getNegotiatedProtocolVersion()).toBe(revision)
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(['whoami'])
    expect(await client.callTool({ name: 'whoami' })).toMatchObject({ content: [{ text: 'whoami for ada' }] })
    await expect(client.callTool({ name: 'write_file' })).rejects.toThrow(/403|insufficient/i)
  })

  it.each(spoken)('a client of %s sees and calls everything with every scope', async (_, options) => {
    const client = await connect(protect, 'files:read files:write', options)
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(['whoami', 'write_file'])
    expect(await client.callTool({ name: 'write_file' })).toMatchObject({ content: [{ text: 'write_file for ada' }] })
  })
})
