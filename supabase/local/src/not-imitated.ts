import type { IncomingMessage } from 'node:http'
import { notImitated, Problem } from './problem.ts'

/**
 * What a real Supabase project does and this surface doesn't. What a request asks for is refused with the code
 * NOT_IMITATED; the rest differs as the sentence says. test/not-imitated.test.ts shows each entry.
 */
export const differences = {
  tables: 'Tables and views (/rest/v1/<name>) are refused: schema mcp holds functions only.',
  description: 'The OpenAPI description at /rest/v1/ is refused.',
  otherServices: 'Auth, Storage, Realtime, Edge Functions and GraphQL are refused: only /rest/v1/rpc/ is here.',
  get: 'Functions are called with POST; GET, HEAD and OPTIONS (so CORS too) are refused.',
  query: 'Filters, select, order, limit and other parameters in the address are refused.',
  prefer: 'The Prefer header is refused, but for return=representation, which changes nothing.',
  range: 'The Range header is refused: results come whole.',
  accept: 'Answers are application/json; other forms, single objects and CSV among them, are refused.',
  contentType: 'Bodies are application/json; forms, CSV, text and octets are refused.',
  bulk: 'A body with an array is refused, there is one call a request.',
  otherSchemas: 'Schema public is not exposed, so Content-Profile: mcp has to be sent (PGRST106).',
  unnamedArguments: 'Functions with unnamed or variadic parameters are not found (PGRST202).',
  signingKeys: "Keys are HS256 JWTs under this database's own secret, or its one sb_secret_ key; no JWKS, no ES256.",
  anonymous: 'A call without a key is refused (PGRST302) by the surface, not by a gateway before it.',
  requestSettings:
    'Functions see request.jwt.claims, but not request.headers, request.method, request.path or cookies.',
  responseSettings: 'response.status and response.headers set by a function are not read.',
  bodyLimit: 'Bodies over 1 MiB are refused with 413.',
  statementTimeout: 'The embedded database never ends a long statement by itself: statement_timeout does not fire.',
  concurrency: 'The embedded database has one connection: calls wait for each other, so races show on a real one only.',
  durability: 'The embedded database survives a killed process, not a power cut: fsync is off.',
  superuser: 'Migrations run as a superuser; on Supabase the role postgres is none.',
} as const

export type Difference = keyof typeof differences

export const bodyLimitBytes = 1024 * 1024

/** Finds the function's name in a request, or refuses what is not imitated. */
export function functionNameOf(request: IncomingMessage): string {
  const url = new URL(request.url ?? '/', 'http://gateway')
  const name = /^\/rest\/v1\/rpc\/([^/]+)$/.exec(url.pathname)?.[1]
  if (name === undefined) throw refusedPath(url.pathname)
  if (request.method !== 'POST') throw notImitated(405, differences.get)
  if (url.search !== '') throw notImitated(400, differences.query)
  refuseHeaders(request)
  return decode(name)
}

function refusedPath(path: string): Problem {
  if (/^\/rest\/v1\/?$/.test(path)) return notImitated(404, differences.description)
  return notImitated(404, path.startsWith('/rest/v1/') ? differences.tables : differences.otherServices)
}

function refuseHeaders({ headers }: IncomingMessage): void {
  const preferences = String(headers.prefer ?? 'return=representation')
  if (preferences !== 'return=representation') throw notImitated(400, differences.prefer)
  if (headers.range !== undefined) throw notImitated(416, differences.range)
  if (!/^($|(application\/json|application\/\*|\*\/\*)\s*([,;]|$))/i.test(headers.accept ?? '')) {
    throw notImitated(406, differences.accept)
  }
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? 'application/json')) {
    throw notImitated(415, differences.contentType)
  }
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    throw new Problem(400, 'PGRST100', 'The function name is not percent-encoded UTF-8')
  }
}
