import type { Context, MiddlewareHandler } from 'hono'
import { type AuthAgentOptions, scopeList } from './config.ts'
import { type Access, createGuard } from './guard.ts'
import type { User } from './user.ts'

/** What a handler behind the middleware finds in `c.var`. */
export type AuthAgentEnv = { Variables: { user: User } }

declare module 'hono' {
  interface ContextVariableMap {
    user: User
  }
}

// Beside the context, not in it: what a request may do cannot be set by anybody else.
const accessOf = new WeakMap<Context, Access>()

/**
 * Protects everything behind it and serves the RFC 9728 metadata: `app.use(authAgentMiddleware({ serverId, apiKey }))`.
 * Mount it for all paths, or for the protected ones and `/.well-known/oauth-protected-resource/*`.
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export function authAgentMiddleware(options: AuthAgentOptions): MiddlewareHandler<AuthAgentEnv> {
  const guard = createGuard(options)
  return async (c, next) => {
    const decision = await guard.check(await unreadRequest(c))
    if (decision.outcome === 'answer') return decision.response
    const { access } = decision
    accessOf.set(c, access)
    c.set('user', access.user)
    await next()
    for (const [name, value] of access.headers) {
      if (name === 'Vary') c.header(name, value, { append: true })
      else if (!c.res.headers.has(name)) c.header(name, value)
    }
  }
}

/**
 * Lets a request to one route pass only with these scopes: `app.put('/files', requireScopes('files:write'), …)`.
 * It stands behind `authAgentMiddleware` and throws at the first request where it does not.
 * @throws AuthAgentConfigError for a scope that RFC 6749 §3.3 does not allow
 */
export function requireScopes(...scopes: readonly string[]): MiddlewareHandler<AuthAgentEnv> {
  const needed = scopeList('requireScopes', scopes)
  return async (c, next) => {
    const access = accessOf.get(c)
    if (access === undefined) throw new Error('requireScopes stands before authAgentMiddleware, or without it')
    const refusal = access.refuseWithout(needed)
    if (refusal !== undefined) return refusal
    await next()
  }
}

/** A middleware before us may have read the body through Hono, which keeps what it read. */
async function unreadRequest(c: Context): Promise<Request> {
  const { raw } = c.req
  if (!raw.bodyUsed) return raw
  return new Request(raw.url, { method: raw.method, headers: raw.headers, body: await c.req.arrayBuffer() })
}
