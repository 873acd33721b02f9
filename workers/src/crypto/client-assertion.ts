import {
  calculateJwkThumbprint,
  compactVerify,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  importJWK,
  type JWK,
} from 'jose'
import { sha256 } from './digest.ts'
import { toBytea } from './encoding.ts'

/** Signature algorithms of private_key_jwt (SECURITY §26): asymmetric ones only. */
export const assertionAlgorithms = ['ES256', 'RS256', 'PS256', 'Ed25519', 'EdDSA'] as const

/** A client's public key as it stands in its document, with what decides whether it fits a signature. */
export type ClientKey = JWK

/** The claims an assertion has to make (RFC 7523 §3). */
export type AssertionRules = {
  readonly client_id: string
  readonly issuer: string
  readonly nowSeconds: number
}

export type VerifiedAssertion =
  | {
      readonly outcome: 'verified'
      /** SHA-256 of client and `jti`: used once (RFC 7523 §3, rule 7). */
      readonly jti_digest: string
      readonly expires_at_seconds: number
      /** RFC 7638 thumbprint of the key. */
      readonly thumbprint: string
    }
  /** None of these keys made the signature: the client may have a new one by now. */
  | { readonly outcome: 'key_unknown' }
  | { readonly outcome: 'refused'; readonly problem: string }

const longestLifeSeconds = 5 * 60
const clockToleranceSeconds = 60
const assertionSizeBytes = 4_096

function refused(problem: string): VerifiedAssertion {
  return { outcome: 'refused', problem }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type SignatureHeader = { readonly alg: string; readonly kid: string | undefined }

const keyTypes: Readonly<Record<string, string>> = {
  ES256: 'EC',
  RS256: 'RSA',
  PS256: 'RSA',
  Ed25519: 'OKP',
  EdDSA: 'OKP',
}

/** RFC 9864 §2.2 names by its curve what was EdDSA before; keys and signatures carry either name. */
function isSameAlgorithm(one: string, other: string): boolean {
  return one === other || (keyTypes[one] === 'OKP' && keyTypes[other] === 'OKP')
}

/** Keys that may have made the signature: by `kid` where the header has one, else each of the right type. */
function fittingKeys(keys: readonly ClientKey[], alg: string, kid: string | undefined): ClientKey[] {
  return keys.filter(
    (key) =>
      key.kty === keyTypes[alg] &&
      (key.use ?? 'sig') === 'sig' &&
      isSameAlgorithm(key.alg ?? alg, alg) &&
      (kid === undefined || key.kid === undefined || key.kid === kid),
  )
}

/** undefined: a key that nobody can use, which must not spoil the others of its set. */
async function usable(key: ClientKey, alg: string) {
  try {
    return await importJWK(key, alg)
  } catch {
    return undefined
  }
}

async function verifySignature(assertion: string, keys: readonly ClientKey[], { alg, kid }: SignatureHeader) {
  // Keys come from the registered document alone: jwk, jku, x5c and x5u of the header are never looked at (THREATS F15).
  for (const key of fittingKeys(keys, alg, kid).slice(0, 10)) {
    const imported = await usable(key, alg)
    if (imported === undefined) continue
    try {
      const { payload } = await compactVerify(assertion, imported, { algorithms: [alg] })
      return { claims: JSON.parse(new TextDecoder().decode(payload)) as unknown, key }
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
    }
  }
  return undefined
}

function claimProblem(claims: Record<string, unknown>, { client_id, issuer, nowSeconds }: AssertionRules) {
  if (claims.iss !== client_id || claims.sub !== client_id) return 'iss and sub must both be the client_id'
  // One string and nothing else: an array, or our token endpoint, would let an assertion serve at two places.
  if (claims.aud !== issuer) return `aud must be exactly ${issuer}, as a string`
  if (typeof claims.jti !== 'string' || claims.jti === '') return 'jti is missing'
  if (typeof claims.exp !== 'number') return 'exp is missing'
  const problem = timeProblem(claims, claims.exp, nowSeconds)
  // Mostly one of two clocks is wrong, and whoever reads this can compare them.
  return problem && `${problem}: by the clock of this server it is ${new Date(nowSeconds * 1_000).toISOString()}`
}

function timeProblem({ nbf, iat }: Record<string, unknown>, exp: number, nowSeconds: number): string | undefined {
  const latestSeconds = nowSeconds + clockToleranceSeconds
  if (exp <= nowSeconds) return 'exp has passed'
  if (exp > latestSeconds + longestLifeSeconds) return 'exp is more than 5 minutes away'
  if (typeof nbf === 'number' && nbf > latestSeconds) return 'nbf is in the future'
  if (typeof iat === 'number' && iat > latestSeconds) return 'iat is in the future'
  return undefined
}

/**
 * Verifies the assertion of a private_key_jwt client (RFC 7523 §3, OpenID Connect Core §9). Whether its `jti` was used
 * before is decided by the database, in the call that the assertion is for.
 */
export async function verifyClientAssertion(
  assertion: string,
  keys: readonly ClientKey[],
  rules: AssertionRules,
): Promise<VerifiedAssertion> {
  if (assertion.length > assertionSizeBytes) return refused('the assertion is longer than 4,096 characters')
  try {
    const { alg = '', kid } = decodeProtectedHeader(assertion)
    if (!assertionAlgorithms.some((known) => known === alg)) {
      return refused(`alg must be one of ${assertionAlgorithms.join(', ')}`)
    }
    const verified = await verifySignature(assertion, keys, { alg, kid })
    if (verified === undefined) return { outcome: 'key_unknown' }
    const { claims, key } = verified
    if (!isObject(claims)) return refused('the assertion has no claims')
    const problem = claimProblem(claims, rules)
    if (problem !== undefined) return refused(problem)
    return {
      outcome: 'verified',
      jti_digest: toBytea(await sha256(`${rules.client_id}\0${String(claims.jti)}`)),
      expires_at_seconds: Number(claims.exp),
      thumbprint: await calculateJwkThumbprint(key),
    }
  } catch {
    // Whatever jose finds wrong with the form is the same to the caller.
    return refused('the assertion is not a JWT that a registered key signed')
  }
}

/** Whom an assertion says it is of, unverified: only to find the keys that can verify it (RFC 7521 §4.2). */
export function assertionSubject(assertion: string): string | undefined {
  if (assertion.length > assertionSizeBytes) return undefined
  try {
    return decodeJwt(assertion).sub
  } catch {
    return undefined
  }
}

/** RFC 7638 thumbprints of those keys that have one; a key of an unknown type can sign nothing here. */
export async function keyThumbprints(keys: readonly ClientKey[]): Promise<readonly string[]> {
  const thumbprints = keys.map((key) => calculateJwkThumbprint(key).catch(() => undefined))
  return (await Promise.all(thumbprints)).filter((thumbprint) => thumbprint !== undefined)
}
