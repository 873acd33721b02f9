import { sha256 } from './digest.ts'
import { toBase64Url } from './encoding.ts'

/** The S256 code challenge of a verifier (RFC 7636 §4.2). */
export async function s256(codeVerifier: string): Promise<string> {
  return toBase64Url(await sha256(codeVerifier))
}

/** RFC 7636 §4.1: 43 to 128 unreserved characters. */
export function isCodeVerifier(value: string): boolean {
  return /^[A-Za-z0-9._~-]{43,128}$/.test(value)
}

/** An S256 challenge is the base64url of 32 bytes: 43 characters, unpadded (RFC 7636 §4.2). */
export function isCodeChallenge(value: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(value)
}

// Whoever copies an example from a specification has a verifier that everybody knows (RFC 9700 §2.1.1).
const publishedChallenges: readonly string[] = [
  'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', // RFC 7636 appendix B
  '6fdkQaPm51l13DSukcAH3Mdx7_ntecHYd1vi3n0hMZY', // OAuth 2.1 §4.1.1
]

export function isPublishedChallenge(value: string): boolean {
  return publishedChallenges.includes(value)
}
