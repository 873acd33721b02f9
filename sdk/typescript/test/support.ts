import { randomBytes } from 'node:crypto'
import type { AuthAgentOptions } from '../src/index.ts'

export const API_KEY = `sk_${'SeCrEtKeY'.repeat(7)}`
export const NOW_SECONDS = 1_800_000_000

/** A text in the shape of an access token, new at each call. */
export function makeToken(subject = 'user-1'): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ typ: 'at+jwt', alg: 'ES256' })}.${part({ sub: subject })}.${randomBytes(64).toString('base64url')}`
}

export function activeAnswer(members: Record<string, unknown> = {}): Response {
  const exp = Math.floor(Date.now() / 1000) + 3600
  const answer = { active: true, sub: 'user-1', client_id: 'client', scope: 'files:read', exp }
  return Response.json({ ...answer, aud: 'https://mcp.example/mcp', ...members })
}

/** Options with an issuer that answers as told, and what it was asked and what was logged. */
export function makeOptions(
  answer: (token: string) => Response | Promise<Response>,
  more: Partial<AuthAgentOptions> = {},
) {
  const asked: string[] = []
  const logged: string[] = []
  const options: AuthAgentOptions = {
    serverId: 'srv_0123456789abcdefghijAB',
    apiKey: API_KEY,
    issuer: 'https://issuer.example',
    serverUrl: 'https://mcp.example/mcp',
    requiredScopes: ['files:read'],
    fetch: async (_input, init) => {
      const token = new URLSearchParams(String(init?.body)).get('token') ?? ''
      asked.push(token)
      return answer(token)
    },
    log: (line) => logged.push(line),
    ...more,
  }
  return { options, asked, logged }
}

export function bearer(token: string, init: RequestInit = {}): Request {
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${token}`)
  return new Request('https://mcp.example/mcp', { ...init, headers })
}

/** A stream that gives these pieces one at a time, each when it is asked for. */
export function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const rest = [...pieces]
  return new ReadableStream({
    pull(controller) {
      const next = rest.shift()
      if (next === undefined) controller.close()
      else controller.enqueue(next)
    },
  })
}
