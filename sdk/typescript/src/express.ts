// biome-ignore-all lint/performance/noBarrelFile: an entry of the package
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after } from './after.ts'
import { scopeList } from './config.ts'
import { createJudge } from './judge.ts'
import { fromNode, type NodeRequest } from './node-request.ts'
import { accessOf, admit, send } from './node-response.ts'
import type { AuthAgentOptions } from './options.ts'
import type { User } from './user.ts'

export type { Access } from './access.ts'
export { accessOf } from './node-response.ts'
export { AuthAgentConfigError, type AuthAgentOptions, type ScopeTable } from './options.ts'
export type { User } from './user.ts'

/** A middleware as Express has them, in the words of Node's http alone: it needs none of Express's own types. */
export type ExpressMiddleware = (request: NodeRequest, response: ServerResponse, next: Next) => void | Promise<void>

type Next = (error?: unknown) => void

/**
 * Protects everything behind it and serves the RFC 9728 metadata: `app.use(authAgentMiddleware({ serverId, apiKey }))`.
 * Mount it for all paths, or for the protected ones and `/.well-known/oauth-protected-resource`.
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export function authAgentMiddleware(options: AuthAgentOptions): ExpressMiddleware {
  const judge = createJudge(options)
  return (request, response, next) =>
    after(judge(fromNode(request, response)), (decision) => {
      if (decision.outcome === 'answer') return send(decision.response, response)
      admit(request, response, decision.access)
      next()
    })
}

/**
 * Lets a request to one route pass only with these scopes: `app.put('/files', requireScopes('files:write'), …)`.
 * It stands behind `authAgentMiddleware` and fails at the first request where it does not.
 * @throws AuthAgentConfigError for a scope that RFC 6749 §3.3 does not allow
 */
export function requireScopes(...scopes: readonly string[]): ExpressMiddleware {
  const needed = scopeList('requireScopes', scopes)
  return (request, response, next) => {
    const refusal = accessOf(request).refuseWithout(needed)
    return refusal === undefined ? next() : send(refusal, response)
  }
}

/**
 * The person a request acts for.
 * @throws Error where `authAgentMiddleware` has not let it pass
 */
export function userOf(request: IncomingMessage): User {
  return accessOf(request).user
}
