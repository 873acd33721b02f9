import type { MiddlewareHandler } from 'hono'
import { type AuthAgentOptions } from './config.ts'
import type { User } from './user.ts'
/** What a handler behind the middleware finds in `c.var`. */
export type AuthAgentEnv = {
  Variables: {
    user: User
  }
}
declare module 'hono' {
  interface ContextVariableMap {
    user: User
  }
}
/**
 * Protects everything behind it and serves the RFC 9728 metadata: `app.use(authAgentMiddleware({ serverId, apiKey }))`.
 * Mount it for all paths, or for the protected ones and `/.well-known/oauth-protected-resource/*`.
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export declare function authAgentMiddleware(options: AuthAgentOptions): MiddlewareHandler<AuthAgentEnv>
/**
 * Lets a request to one route pass only with these scopes: `app.put('/files', requireScopes('files:write'), …)`.
 * It stands behind `authAgentMiddleware` and throws at the first request where it does not.
 * @throws AuthAgentConfigError for a scope that RFC 6749 §3.3 does not allow
 */
export declare function requireScopes(...scopes: readonly string[]): MiddlewareHandler<AuthAgentEnv>
