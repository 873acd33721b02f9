/** What the `Authorization` header holds. */
export type BearerToken =
  | { outcome: 'absent' } // no header, or another scheme: no credentials that concern us
  | { outcome: 'malformed' }
  | { outcome: 'present'; token: string }

/**
 * Reads the Bearer token of a request (RFC 6750 §2.1, RFC 9110 §11.4). Every expression here reads a character
 * once, so a long header costs linear time. The query, the body and cookies are never looked at.
 */
export function readBearerToken(authorization: string | null): BearerToken {
  if (authorization === null) return { outcome: 'absent' }
  const space = authorization.indexOf(' ')
  const scheme = space === -1 ? authorization : authorization.slice(0, space)
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(scheme)) return { outcome: 'malformed' }
  if (scheme.toLowerCase() !== 'bearer') return { outcome: 'absent' }
  if (space === -1) return { outcome: 'malformed' }
  const token = authorization.slice(space).replace(/^ +/, '')
  // Two headers arrive joined by a comma, which is no character of a token.
  return /^[0-9A-Za-z\-._~+/]+=*$/.test(token) ? { outcome: 'present', token } : { outcome: 'malformed' }
}
