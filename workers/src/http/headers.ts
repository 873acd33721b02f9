import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from '../context.ts'

/**
 * What every answer carries, pages and JSON alike; pages add their own policy in `pageHeaders`.
 * A route that may be cached replaces Cache-Control; forgetting it must not make an answer cacheable (B28, F22).
 */
export const securityHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  const { headers } = c.res
  if (!headers.has('Cache-Control')) {
    headers.set('Cache-Control', 'no-store')
    // RFC 6749 §5.1 asks for both.
    headers.set('Pragma', 'no-cache')
  }
  setIfAbsent(headers, 'X-Content-Type-Options', 'nosniff')
  setIfAbsent(headers, 'X-Frame-Options', 'DENY')
  setIfAbsent(headers, 'Referrer-Policy', 'same-origin')
  setIfAbsent(headers, 'Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
  if (c.get('config').issuer.startsWith('https://')) {
    setIfAbsent(headers, 'Strict-Transport-Security', 'max-age=63072000; includeSubDomains')
  }
}

function setIfAbsent(headers: Headers, name: string, value: string): void {
  if (!headers.has(name)) headers.set(name, value)
}
