import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from '../context.ts'

/**
 * What every answer carries, pages and JSON alike; pages add their own policy in `pageHeaders`.
 * A route that may be cached replaces Cache-Control; forgetting it must not make an answer cacheable (B28, F22).
 */
export const securityHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  if (!c.res.headers.has('Cache-Control')) {
    c.res.headers.set('Cache-Control', 'no-store')
    // RFC 6749 §5.1 asks for both.
    c.res.headers.set('Pragma', 'no-cache')
  }
  setIfAbsent(c.res.headers, 'X-Content-Type-Options', 'nosniff')
  setIfAbsent(c.res.headers, 'X-Frame-Options', 'DENY')
  setIfAbsent(c.res.headers, 'Referrer-Policy', 'same-origin')
  setIfAbsent(c.res.headers, 'Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
  if (c.var.config.issuer.startsWith('https://')) {
    setIfAbsent(c.res.headers, 'Strict-Transport-Security', 'max-age=63072000; includeSubDomains')
  }
}

function setIfAbsent(headers: Headers, name: string, value: string): void {
  if (!headers.has(name)) headers.set(name, value)
}
