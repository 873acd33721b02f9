import { refused } from './errors.ts'

/** The scopes that belong to no server's catalogue: who the person is, and the wish for a refresh token. */
export const identityScopes = ['openid', 'profile', 'email', 'offline_access'] as const

/** The scopes of this server's own API, the resource ISSUER/api. */
export const managementScopes = ['servers:read', 'servers:write', 'keys:write'] as const

/** Checked before anything is split, so that a long list costs nothing (THREATS F32, CVE-2026-4634). */
export const scopeSizeBytes = 1_024

/** All of a full catalogue and the identity scopes fit: real clients ask for the whole list. */
export const scopeTokensCap = 68

/** RFC 6749 §3.3: a scope token is printable ASCII without space, quote and backslash. */
export function isScopeToken(value: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)
}

/**
 * Reads a scope parameter as a list without duplicates, in its order (RFC 6749 §3.3). Split on any white space, because
 * real clients send several spaces.
 * @returns null when no scope is named at all: absent, empty and blank are the same
 * @throws OAuthError invalid_scope when it is too long, or has a character outside the grammar
 */
export function parseScope(scope: string | undefined): readonly string[] | null {
  if (scope === undefined) return null
  if (scope.length > scopeSizeBytes) throw refused('scope_too_long')
  const tokens = new Set(scope.split(/[\t\n\r ]+/).filter((token) => token !== ''))
  if (tokens.size > scopeTokensCap) throw refused('scope_too_long')
  for (const token of tokens) if (!isScopeToken(token)) throw refused('scope_malformed')
  return tokens.size === 0 ? null : [...tokens]
}

/** RFC 6749 §3.3: space-delimited. */
export function formatScope(scopes: readonly string[]): string {
  return scopes.join(' ')
}
