import { createLocalJWKSet, decodeProtectedHeader, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import { isEqualSecret } from './digest.ts'
import { toBase64Url, utf8 } from './encoding.ts'

/** Signatures of ID tokens that are believed: asymmetric ones alone, so that no key of ours can be taken for theirs (RFC 8725 §3.2). */
export const upstreamAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

export type IdTokenRules = {
  readonly keys: JSONWebKeySet
  readonly issuer: string
  readonly client_id: string
  readonly nonce: string
  readonly access_token: string
  readonly nowSeconds: number
}

export type VerifiedIdToken =
  | { readonly outcome: 'verified'; readonly claims: JWTPayload & { readonly sub: string } }
  /** The provider may have a new key by now. */
  | { readonly outcome: 'key_unknown' }
  | { readonly outcome: 'refused'; readonly problem: string }

const clockToleranceSeconds = 60
const sizeBytes = 16_384

/**
 * Verifies the ID token of another OpenID provider (OpenID Connect Core §3.1.3.7): signature, issuer, audience, life, nonce, and
 * that it belongs to the access token it came with.
 */
export async function verifyUpstreamIdToken(token: string, rules: IdTokenRules): Promise<VerifiedIdToken> {
  if (token.length > sizeBytes) return { outcome: 'refused', problem: 'the ID token is too large' }
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(rules.keys), {
      issuer: rules.issuer,
      audience: rules.client_id,
      algorithms: [...upstreamAlgorithms],
      requiredClaims: ['sub', 'exp', 'iat', 'nonce'],
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(rules.nowSeconds * 1_000),
    })
    const problem = await claimProblem(token, payload, rules)
    const { sub } = payload
    if (problem !== undefined || sub === undefined) return { outcome: 'refused', problem: problem ?? 'sub is missing' }
    return { outcome: 'verified', claims: { ...payload, sub } }
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return { outcome: 'key_unknown' }
    // jose names the check that failed and nothing of the token.
    if (error instanceof errors.JOSEError) return { outcome: 'refused', problem: error.message }
    return { outcome: 'refused', problem: 'the ID token is not one' }
  }
}

async function claimProblem(token: string, claims: JWTPayload, rules: IdTokenRules): Promise<string | undefined> {
  const { nonce, azp, aud, at_hash } = claims
  if (typeof nonce !== 'string' || !isEqualSecret(nonce, rules.nonce)) return 'nonce is not the one that was sent'
  // Where there are several audiences, azp says for whom it is (§3.1.3.7, rules 4 and 5).
  if (Array.isArray(aud) && aud.length > 1 && azp === undefined) return 'azp is missing beside several audiences'
  if (azp !== undefined && azp !== rules.client_id) return 'azp is another client'
  if (at_hash === undefined) return undefined
  const expected = await halfHash(decodeProtectedHeader(token).alg, rules.access_token)
  return at_hash === expected ? undefined : 'at_hash is not that of the access token'
}

/** The left half of the hash that the signature's algorithm uses (§3.1.3.6); Ed25519 uses SHA-512 (RFC 8032 §5.1). */
async function halfHash(alg: string | undefined, value: string): Promise<string> {
  const name = alg === 'EdDSA' || alg === 'Ed25519' ? 'SHA-512' : 'SHA-256'
  const hash = new Uint8Array(await crypto.subtle.digest(name, utf8(value)))
  return toBase64Url(hash.slice(0, hash.length / 2))
}
