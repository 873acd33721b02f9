import type { Context, MiddlewareHandler } from 'hono'
import type { Access } from './access.ts'
import { scopeList } from './config.ts'
import { fromFetch, readCopy } from './incoming.ts'
import type { JsonText } from './json-text.ts'
import { createJudge } from './judge.ts'
import { fromNode } from './node-request.ts'
import { isUntouched, nodeBehind, setHeadersBehind } from './node-server.ts'
import type { AuthAgentOptions } from './options.ts'
import type { User } from './user.ts'

/** What a handler behind the middleware finds in `c.var`. */
export type AuthAgentEnv = { Variables: { user: User } }

declare module 'hono' {
  interface ContextVariableMap {
    user: User
  }
}

// A symbol that nobody else has: what a request may do is not set by what it says, nor by another middleware.
const ACCESS = Symbol('access')

/** A context of any application, whatever its own types are. */
type Admitted = { readonly req: unknown; [ACCESS]?: Access }

/**
 * Protects everything behind it and serves the RFC 9728 metadata: `app.use(authAgentMiddleware({ serverId, apiKey }))`.
 * Mount it for all paths, or for the protected ones and `/.well-known/oauth-protected-resource/*`.
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export function authAgentMiddleware(options: AuthAgentOptions): MiddlewareHandler<AuthAgentEnv> {
  const judge = createJudge(options)
  return async (c, next) => {
    const judged = judge(fromFetch(c.req.raw, (maxBytes) => readBody(c, maxBytes)))
    const decision = judged instanceof Promise ? await judged : judged
    if (decision.outcome === 'answer') return decision.response
    const { access } = decision
    admit(c, access)
    c.set('user', access.user)
    const isDone = setHeadersBehind(c, access)
    await next()
    if (isDone) return
    const finished = await access.finish(c.res)
    if (finished === c.res) return
    // Otherwise Hono would merge the headers of the one into the other.
    c.res = undefined
    c.res = finished
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
    const refusal = accessOf(c).refuseWithout(needed)
    if (refusal !== undefined) return refusal
    await next()
  }
}

function admit(c: Admitted, access: Access): void {
  c[ACCESS] = access
}

/**
 * What a request may do, and for whom.
 * @throws Error where `authAgentMiddleware` has not let it pass
 */
export function accessOf(c: Admitted): Access {
  const access = c[ACCESS]
  if (access === undefined) throw new Error('this handler stands before authAgentMiddleware, or without it')
  return access
}

async function readBody(c: Context, maxBytes: number): Promise<JsonText> {
  const { raw } = c.req
  const node = nodeBehind(c)
  // Copying a Request costs Node ten times what looking into its own does.
  if (node !== undefined && isUntouched(raw, node.incoming)) {
    return fromNode(node.incoming, node.outgoing).readJson(maxBytes)
  }
  if (!raw.bodyUsed) return readCopy(raw, maxBytes)
  // A middleware before us has read the body through Hono, which keeps what it read.
  const { method, headers } = raw
  return readCopy(new Request(raw.url, { method, headers, body: await c.req.arrayBuffer() }), maxBytes)
}
