// biome-ignore-all lint/performance/noBarrelFile: an entry of the package
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from './access.ts'
import { after } from './after.ts'
import { createJudge } from './judge.ts'
import { fromNode } from './node-request.ts'
import { admit, send } from './node-response.ts'
import type { AuthAgentOptions } from './options.ts'

export type { Access } from './access.ts'
export { send } from './node-response.ts'
export { AuthAgentConfigError, type AuthAgentOptions, type ScopeTable } from './options.ts'
export type { User } from './user.ts'

/**
 * Protects a listener of Node's http and serves the RFC 9728 metadata:
 * `createServer(authAgentListener({ serverId, apiKey }, (request, response, access) => …))`.
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export function authAgentListener<Request extends IncomingMessage, Reply extends ServerResponse>(
  options: AuthAgentOptions,
  listener: (request: Request, response: Reply, access: Access) => unknown,
): (request: Request, response: Reply) => unknown {
  const judge = createJudge(options)
  return (request, response) =>
    after(judge(fromNode(request, response)), (decision) => {
      if (decision.outcome === 'answer') return send(decision.response, response)
      admit(request, response, decision.access)
      return listener(request, response, decision.access)
    })
}
