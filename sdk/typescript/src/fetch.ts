// biome-ignore-all lint/performance/noBarrelFile: an entry of the package
import type { Access } from './access.ts'
import { fromFetch } from './incoming.ts'
import { createJudge } from './judge.ts'
import type { AuthAgentOptions } from './options.ts'

export type { Access, Decision } from './access.ts'
export { createGuard, type Guard } from './guard.ts'
export { AuthAgentConfigError, type AuthAgentOptions, type ScopeTable } from './options.ts'
export type { User } from './user.ts'

/**
 * Protects a handler of the Fetch API (Cloudflare Workers, Next.js, Deno, Bun) and serves the RFC 9728 metadata:
 * `export default { fetch: authAgentHandler({ serverId, apiKey }, (request, access) => …) }`. What else the runtime
 * gives comes after `access`.
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export function authAgentHandler<Rest extends readonly unknown[]>(
  options: AuthAgentOptions,
  handler: (request: Request, access: Access, ...rest: Rest) => Response | Promise<Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const judge = createJudge(options)
  return async (request, ...rest) => {
    const decision = await judge(fromFetch(request))
    if (decision.outcome === 'answer') return decision.response
    return decision.access.finish(await handler(request, decision.access, ...rest))
  }
}
