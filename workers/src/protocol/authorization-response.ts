import { asErrorDescription, errorUri, type OAuthError } from './errors.ts'
import type { TrustedRedirect } from './redirect-uri.ts'

type Answer = { readonly issuer: string; readonly state: string | undefined }

/** The request's id goes along, because a person who follows `error_uri` has no header to read it from. */
type ErrorAnswer = Answer & { readonly error: OAuthError; readonly requestId: string }

function withParameters(uri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  // Percent-encoded and never `+`: both kinds of decoder then read the same bytes.
  const query = Object.entries(parameters)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .join('&')
  // The URI stays the string it was registered as; a query it has is kept (RFC 6749 §3.1.2).
  if (!uri.includes('?')) return `${uri}?${query}`
  return uri.endsWith('?') || uri.endsWith('&') ? `${uri}${query}` : `${uri}&${query}`
}

/** Where an approved request goes (RFC 6749 §4.1.2), with `iss` (RFC 9207) and the byte-exact state. */
export function successRedirect(redirect: TrustedRedirect, answer: Answer & { readonly code: string }): string {
  const { code, state, issuer } = answer
  return withParameters(redirect.redirect_uri, { code, state, iss: issuer })
}

/**
 * Where a refused request goes (RFC 6749 §4.1.2.1). Whether it may go there by itself is `redirect.redirectsErrors`;
 * else this is the target of the link on our page (SECURITY §12).
 */
export function errorRedirect(redirect: TrustedRedirect, answer: ErrorAnswer): string {
  const { error, state, issuer, requestId } = answer
  return withParameters(redirect.redirect_uri, {
    error: error.error,
    error_description: asErrorDescription(error.description),
    error_uri: errorUri(issuer, error.reason, requestId),
    state,
    iss: issuer,
  })
}
