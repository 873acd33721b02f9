import * as z from 'zod/mini'
import { refused } from './errors.ts'
import { readBody } from './management-body.ts'

const hostShape = /^(?:(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?|\[::1\])$/

export const clientRuleRequest = z.strictObject({
  effect: z.enum(['allow', 'block'], 'effect must be allow or block'),
  client_id: z.optional(
    z
      .string('client_id must be a string')
      .check(z.regex(/^[\x21-\x7e]{1,2048}$/, 'client_id must be 1 to 2048 printable characters')),
  ),
  host: z.optional(
    z
      .string('host must be a string')
      .check(
        z.maxLength(253, 'host may have 253 characters'),
        z.regex(hostShape, 'host must be a host name in lower case'),
      ),
  ),
})

/**
 * Reads the body of POST /api/servers/:id/client-rules: about one client, or about one host.
 * @throws OAuthError invalid_request that names the member
 */
export function parseClientRule(body: unknown) {
  const rule = readBody(clientRuleRequest, body)
  if ((rule.client_id === undefined) === (rule.host === undefined)) {
    throw refused('member_malformed', 'Name client_id or host, one of them')
  }
  return rule
}
