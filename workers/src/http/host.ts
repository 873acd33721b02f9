import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from '../context.ts'
import { refused } from '../protocol/errors.ts'

/**
 * Answers only under the issuer's own name (A22, A23), and never over http where the issuer is https (M16): a redirect
 * to https would come after the secret had travelled. Nothing the caller sent is repeated.
 */
export const issuerHostOnly: MiddlewareHandler<AppEnv> = async (c, next) => {
  const config = c.get('config')
  // The issuer is an origin in its one spelling, and so is what the runtime gives: only a refusal needs a closer look.
  if (c.req.url.startsWith(`${config.issuer}/`)) return next()
  const asked = new URL(c.req.url)
  const issuer = new URL(config.issuer)
  if (asked.host !== issuer.host) throw refused('host_unknown')
  if (asked.protocol !== issuer.protocol) throw refused('transport_insecure')
  await next()
}
