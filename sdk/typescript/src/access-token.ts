import { isRecord, parseJson } from './json.ts'

export const MAX_CHARACTERS = 8192
const ES256_SIGNATURE_CHARACTERS = 86

/**
 * The header of a text that can be one of our access tokens: a JWT signed with ES256 of type `at+jwt` (RFC 9068 §2.1);
 * undefined of any other. Nothing is trusted because of it; it keeps garbage from costing a call.
 */
export function readTokenHeader(token: string): Record<string, unknown> | undefined {
  if (token.length > MAX_CHARACTERS) return undefined
  const parts = token.split('.', 4)
  const [header, payload, signature] = parts
  if (parts.length !== 3 || header === undefined || !payload || signature === undefined) return undefined
  if (signature.length !== ES256_SIGNATURE_CHARACTERS) return undefined
  if (!/^[0-9A-Za-z_\-.]+$/.test(token)) return undefined
  const members = parseJson(decodeBase64Url(header))
  return isRecord(members) && members.alg === 'ES256' && members.typ === 'at+jwt' ? members : undefined
}

function decodeBase64Url(text: string): string {
  // atob throws for a length that no base64 text has.
  if (text.length % 4 === 1) return ''
  return atob(text.replaceAll('-', '+').replaceAll('_', '/'))
}
