/** A challenge in the words of RFC 6750 §3 and RFC 9728 §5.1. */
export type Challenge = {
  error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope'
  description?: string
  scopes: readonly string[]
  metadataUrl: string
}

/**
 * The value of `WWW-Authenticate`. Nothing needs escaping: scopes, URLs and descriptions were checked to hold neither
 * quote nor backslash when the middleware was made, and no part comes from a request.
 */
export function writeChallenge(challenge: Challenge): string {
  const parameters = [
    ['error', challenge.error],
    ['error_description', challenge.description],
    ['scope', challenge.scopes.join(' ')],
    ['resource_metadata', challenge.metadataUrl],
  ]
  const written = parameters.filter(([, value]) => value !== undefined && value !== '')
  return `Bearer ${written.map(([name, value]) => `${name}="${value}"`).join(', ')}`
}

/** RFC 6750 §3.1: no error code where the request held no credentials. */
export function missingToken(scopes: readonly string[], metadataUrl: string): Response {
  const description = 'This server needs an access token in the Authorization header.'
  return refuse(401, 'unauthorized', description, { 'WWW-Authenticate': writeChallenge({ scopes, metadataUrl }) })
}

export function malformedHeader(scopes: readonly string[], metadataUrl: string): Response {
  const description = 'The Authorization header is malformed: it must be Bearer, one space and one access token.'
  return challenge(400, { error: 'invalid_request', description, scopes, metadataUrl })
}

export function invalidToken(scopes: readonly string[], metadataUrl: string): Response {
  const description = 'The access token is malformed, expired, revoked or meant for another server.'
  return challenge(401, { error: 'invalid_token', description, scopes, metadataUrl })
}

/** All scopes that the request needs stand in one challenge (MCP 2026-07-28, Scope Challenge Handling). */
export function insufficientScope(scopes: readonly string[], metadataUrl: string): Response {
  const description = `This request needs the scopes: ${scopes.join(' ')}`
  return challenge(403, { error: 'insufficient_scope', description, scopes, metadataUrl })
}

export function issuerUnavailable(retryAfterSeconds: number): Response {
  const description = 'The authorization server could not be asked about this token. Please try again.'
  return refuse(503, 'temporarily_unavailable', description, { 'Retry-After': String(retryAfterSeconds) })
}

export function refuse(
  status: number,
  error: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ error, error_description: description }, { status, headers: { ...NO_STORE, ...headers } })
}

/** A refusal in JSON-RPC's words, for what an MCP client reads itself. */
export function refuseMessage(status: number, code: number, message: string, id: string | number | null): Response {
  return Response.json({ jsonrpc: '2.0', id, error: { code, message } }, { status, headers: NO_STORE })
}

const NO_STORE = { 'Cache-Control': 'no-store' }

function challenge(status: number, written: Required<Challenge>): Response {
  return refuse(status, written.error, written.description, { 'WWW-Authenticate': writeChallenge(written) })
}
