import type { CallStranger, StrangerAnswer } from './call-stranger.ts'
import type { ReadServerProof } from './server-proof.ts'

/** What is looked at from outside, and how it should look. */
export type CheckedServer = {
  readonly server_id: string
  readonly server_url: string
  readonly metadata_url: string
  readonly issuer: string
  /** Signed by us for another audience and of no connection: worth nothing anywhere. */
  readonly foreignToken: string
}

export type CheckResult = {
  readonly name: 'metadata' | 'challenge' | 'preflight' | 'audience'
  readonly passed: boolean
  /** Word for word what was seen. */
  readonly seen: string
  /** What to change; absent where it is right. */
  readonly change?: string
}

export type CheckServer = (server: CheckedServer) => Promise<readonly CheckResult[]>

/** What an MCP client sends first (MCP 2026-07-28, Streamable HTTP). */
const firstMessage = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'auth-agent-check', version: '1' } },
})
const messageHeaders = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const browserOrigin = 'https://client.example'

function result(name: CheckResult['name'], seen: string, change: string | undefined): CheckResult {
  return { name, passed: change === undefined, seen, ...(change !== undefined && { change }) }
}

function shortened(text: string | null): string {
  return text === null ? 'absent' : JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text)
}

function seenOf(what: string, answer: StrangerAnswer, ...names: readonly string[]): string {
  if (answer.outcome === 'unavailable') return `We ${what}: ${answer.told}`
  const headers = names.map((name) => `; ${name} was ${shortened(answer.headers.get(name))}`).join('')
  return `We ${what}: status ${answer.status}${headers}`
}

/** 401 and the pointer to the metadata: what makes a client come here at all (RFC 9728 §5.1). */
function judgeChallenge(answer: StrangerAnswer, { metadata_url }: CheckedServer): string | undefined {
  if (answer.outcome === 'unavailable') return 'Make the server reachable at its registered URL.'
  if (answer.status !== 401) return 'Answer 401 where a request has no access token: put the middleware in front of it.'
  const challenge = answer.headers.get('www-authenticate') ?? ''
  if (!/^bearer(?:\s|$)/i.test(challenge)) return 'Send WWW-Authenticate: Bearer with the 401.'
  return challenge.includes(`resource_metadata="${metadata_url}"`)
    ? undefined
    : `Send resource_metadata="${metadata_url}" in WWW-Authenticate.`
}

/** Clients in browsers ask first, without a token (Fetch Standard, CORS-preflight). */
function judgePreflight(answer: StrangerAnswer): string | undefined {
  if (answer.outcome === 'unavailable') return 'Make the server reachable at its registered URL.'
  if (answer.status < 200 || answer.status > 299) {
    return 'Answer OPTIONS with 204 before authentication, or clients in browsers cannot connect.'
  }
  const origin = answer.headers.get('access-control-allow-origin')
  if (origin !== '*' && origin !== browserOrigin) return 'Send Access-Control-Allow-Origin on the preflight.'
  const allowed = (answer.headers.get('access-control-allow-headers') ?? '').toLowerCase()
  // A star does not stand for Authorization.
  return allowed.includes('authorization') ? undefined : 'Name Authorization in Access-Control-Allow-Headers.'
}

/** A token of ours for somebody else must not open it (RFC 9068 §4, MCP 2026-07-28, Token Audience Binding). */
function judgeAudience(answer: StrangerAnswer): string | undefined {
  if (answer.outcome === 'unavailable') return 'Make the server reachable at its registered URL.'
  if (answer.status === 401) return undefined
  return answer.status >= 500
    ? 'Answer 401 to a token that is not for this server: is the API key right, and can this server be reached?'
    : 'Introspect each token and answer 401 unless it is active for this server: a token for another one was let in.'
}

/** Looks at a server from outside as a client would, under the policy for strangers' documents (SECURITY §24). */
export function createSelfCheck(call: CallStranger, readServerProof: ReadServerProof): CheckServer {
  return async (server) => {
    const { server_id, server_url, metadata_url, issuer, foreignToken } = server
    const url = new URL(server_url).pathname === '/' ? `${new URL(server_url).origin}/` : server_url
    const post = (headers: Readonly<Record<string, string>> = {}) =>
      call(url, { method: 'POST', headers: { ...messageHeaders, ...headers }, body: firstMessage })
    const asked = {
      origin: browserOrigin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, content-type, mcp-protocol-version',
    }
    const [proof, challenge, preflight, audience] = await Promise.all([
      readServerProof({ metadata_url, resource: server_url, issuer, server_id }),
      post(),
      call(url, { method: 'OPTIONS', headers: asked }),
      post({ authorization: `Bearer ${foreignToken}` }),
    ])
    const wrong = proof.outcome === 'named' ? undefined : `Serve the metadata of this resource at ${metadata_url}.`
    return [
      result('metadata', proof.seen, wrong),
      result(
        'challenge',
        seenOf('sent a message without a token', challenge, 'www-authenticate'),
        judgeChallenge(challenge, server),
      ),
      result(
        'preflight',
        seenOf('sent OPTIONS', preflight, 'access-control-allow-origin', 'access-control-allow-headers'),
        judgePreflight(preflight),
      ),
      result('audience', seenOf('sent a token for another server', audience), judgeAudience(audience)),
    ]
  }
}
