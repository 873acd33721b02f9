import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from '../context.ts'

const allowedHeaders = [
  'Authorization',
  'Content-Type',
  'DPoP',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Session-Id',
  'Last-Event-ID',
].join(', ')

/**
 * Any origin, never with credentials, on routes that hold no cookie (HTTP-API "Conventions").
 * The preflight is answered here, before authentication, because a browser sends it without any.
 */
export function openCors(methods: string): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (c.req.method === 'OPTIONS') {
      return c.body(null, 204, {
        Allow: `${methods}, OPTIONS`,
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Allow-Methods': methods,
        'Access-Control-Allow-Headers': allowedHeaders,
        'Access-Control-Max-Age': '7200',
      })
    }
    await next()
    c.res.headers.set('Access-Control-Allow-Origin', '*')
    c.res.headers.set('Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After, DPoP-Nonce')
  }
}
