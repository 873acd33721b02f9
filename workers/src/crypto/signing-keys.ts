import { CompactSign, type CompactVerifyGetKey, compactVerify, errors, importJWK, type JWK } from 'jose'
import { sha256 } from './digest.ts'
import { toBytea, utf8 } from './encoding.ts'
import { createLru } from './lru.ts'

/** The one signature algorithm of this server (SECURITY §1); HS256 is nowhere. */
export const signingAlgorithm = 'ES256'

/** One member of SIGNING_KEYS: a private P-256 JWK (RFC 7518 §6.2). */
export type PrivateJwk = {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly d: string
  readonly kid: string
  readonly alg: 'ES256'
  /** `next` is published but not used yet (SECURITY §6). */
  readonly status?: 'next' | undefined
}

export type PublicJwk = {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly kid: string
  readonly alg: 'ES256'
  readonly use: 'sig'
}

export type SigningKeys = {
  readonly publicKeySet: { readonly keys: readonly PublicJwk[] }
  readonly sign: (typ: string, claims: object) => Promise<string>
  readonly verify: (typ: string, token: string) => Promise<Claims | undefined>
}

export type Claims = Readonly<Record<string, unknown>>

/** How many checked signatures an isolate remembers. */
export const rememberedSignaturesCap = 1_000

/** What may be published of a key: a list of what goes out, so that no private member ever can (THREATS K13). */
export function toPublicJwk(jwk: PrivateJwk): PublicJwk {
  return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, kid: jwk.kid, alg: signingAlgorithm, use: 'sig' }
}

async function importKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, signingAlgorithm)
  if (key instanceof Uint8Array) throw new Error('a signing key is never symmetric')
  return key
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// Three parts of base64url, each there (RFC 7515 §3.1). Anything else is told from a token without raising an error: making
// one costs more than the rest of the answer.
const compactShape = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

async function verifyWith(getKey: CompactVerifyGetKey, typ: string, token: string): Promise<Claims | undefined> {
  try {
    const { payload, protectedHeader } = await compactVerify(token, getKey, { algorithms: [signingAlgorithm] })
    // RFC 8725 §3.11: an id_token must not pass as an access token, nor the reverse.
    if (protectedHeader.typ?.toLowerCase() !== typ.toLowerCase()) return undefined
    const claims: unknown = JSON.parse(new TextDecoder().decode(payload))
    return isObject(claims) ? Object.freeze(claims) : undefined
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof SyntaxError) return undefined
    throw error
  }
}

/**
 * Signs with the newest key that is in use and verifies with each (SECURITY §6). Keys are imported at their first use.
 * `verify` answers the claims of a token with our signature and this `typ`; it looks at no claim, `exp` included.
 * @throws Error when no key is in use
 */
export function createSigningKeys(jwks: readonly PrivateJwk[]): SigningKeys {
  const active = jwks.find((jwk) => jwk.status !== 'next')
  if (active === undefined) throw new Error('SIGNING_KEYS has no key in use')
  const published = [active, ...jwks.filter((jwk) => jwk !== active)].map(toPublicJwk)
  let privateKey: Promise<CryptoKey> | undefined
  const publicKeys = new Map<string, Promise<CryptoKey>>()
  // A signature that was right stays right under the same keys, and checking it is the dearest step of introspection. Whether
  // the token is alive is asked of the database all the same (SECURITY §21). By digest: a heap dump holds no token.
  const verified = createLru<Claims>({ maximumEntries: rememberedSignaturesCap })

  const getKey: CompactVerifyGetKey = (header) => {
    const jwk = published.find(({ kid }) => kid === header.kid)
    // Never from the header's own jwk, jku or x5u (THREATS F15).
    if (jwk === undefined) throw new errors.JWKSNoMatchingKey()
    const key = publicKeys.get(jwk.kid) ?? importKey({ ...jwk })
    publicKeys.set(jwk.kid, key)
    return key
  }

  return {
    publicKeySet: { keys: published },
    sign: async (typ, claims) => {
      const { kty, crv, x, y, d, kid } = active
      privateKey ??= importKey({ kty, crv, x, y, d })
      const header = { alg: signingAlgorithm, typ, kid }
      return new CompactSign(utf8(JSON.stringify(claims))).setProtectedHeader(header).sign(await privateKey)
    },
    verify: async (typ, token) => {
      if (!compactShape.test(token)) return undefined
      const name = `${typ} ${toBytea(await sha256(token))}`
      const claims = verified.get(name) ?? (await verifyWith(getKey, typ, token))
      if (claims !== undefined) verified.set(name, claims)
      return claims
    },
  }
}
