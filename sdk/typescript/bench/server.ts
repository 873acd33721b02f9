/** One server of the bench, a process of its own: told which by the parent, it says on which port it listens. */
import { createServer, type RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { requireBearerAuth as requireBearerAuthOfExpress } from '@modelcontextprotocol/express'
import { requireBearerAuth } from '@modelcontextprotocol/server'
import express from 'express'
import { Hono } from 'hono'
import { authAgentMiddleware as expressMiddleware } from '../src/express.ts'
import { type AuthAgentOptions, authAgentMiddleware } from '../src/index.ts'
import { authAgentListener } from '../src/node.ts'

export type Variant = 'bare' | 'idle middleware' | 'protected' | 'tool scopes' | 'peer'
export type Order = { framework: 'Node' | 'Express' | 'Hono'; variant: Variant; options: AuthAgentOptions }

const answer = { files: [] }
const toolScopes = { write_file: ['files:write'] }

/** What the MCP packages' own middleware is given: it says yes at once, so only the middleware itself is measured. */
const verifier = {
  verifyAccessToken: async () => ({
    token: '',
    clientId: 'client',
    scopes: ['files:read'],
    expiresAt: Number.MAX_SAFE_INTEGER,
  }),
}
const peerOptions = { verifier, requiredScopes: ['files:read'] }

const builders: Record<Order['framework'], (variant: Variant, options: AuthAgentOptions) => RequestListener> = {
  Node: (variant, options) => {
    const listener: RequestListener = (_, response) => {
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify(answer))
    }
    return variant === 'bare' ? listener : authAgentListener(options, listener)
  },
  Express: (variant, options) => {
    const app = express()
    if (variant === 'peer') app.use(requireBearerAuthOfExpress(peerOptions))
    else if (variant === 'idle middleware') app.use((_request, _response, next) => next())
    else if (variant !== 'bare') app.use(expressMiddleware(options))
    return app.all('/mcp', (_, response) => void response.json(answer))
  },
  Hono: (variant, options) => {
    const app = new Hono()
    if (variant === 'idle middleware') app.use((_, next) => next())
    else if (variant === 'peer') {
      const gate = requireBearerAuth(peerOptions)
      app.use(async (c, next) => {
        const gated = await gate(c.req.raw)
        if (gated instanceof Response) return gated
        await next()
      })
    } else if (variant !== 'bare') app.use(authAgentMiddleware(options))
    return getRequestListener(app.all('/mcp', (c) => c.json(answer)).fetch)
  },
}

process.on('message', ({ framework, variant, options }: Order) => {
  const more = variant === 'tool scopes' ? { toolScopes } : {}
  const server = createServer(builders[framework](variant, { ...options, ...more }))
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
})
// The parent is gone: nobody is left to stop us.
process.on('disconnect', () => process.exit(0))
