import { isRecord, parseJson } from './json.ts'

const MAX_CHARACTERS = 8192
const ES256_SIGNATURE_CHARACTERS = 86

/**
 * Whether a text can be one of our access tokens at all: a JWT signed with ES256 of type `at+jwt` (RFC 9068 §2.1).
 * Nothing is trusted because of it; it keeps garbage from costing a call.
 */
export function looksLikeAccessToken(token: string): boolean {
  if (token.length > MAX_CHARACTERS) return false
  const parts = token.split('.', 4)
  const [header, payload, signature] = parts
  if (parts.length !== 3 || header === undefined || !payload || signature === undefined) return false
  if (signature.length !== ES256_SIGNATURE_CHARACTERS) return false
  if (!/^[0-9A-Za-z_\-.]+$/.test(token)) return false
  const claims = parseJson(decodeBase64Url(header))
  return isRecord(claims) && claims.alg === 'ES256' && claims.typ === 'at+jwt'
}

function decodeBase64Url(text: string): string {
  // atob throws for a length that no base64 text has.
  if (text.length % 4 === 1) return ''
  return atob(text.replaceAll('-', '+').replaceAll('_', '/'))
}
