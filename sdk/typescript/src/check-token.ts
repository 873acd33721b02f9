import { readTokenHeader } from './access-token.ts'
import type { Config } from './config.ts'
import { type Introspect, type Introspection, unavailable } from './introspection.ts'
import { isRecord } from './json.ts'
import type { FindKey } from './jwks.ts'
import { loadJose } from './load-jose.ts'
import { splitScope } from './scopes.ts'
import type { Clock } from './single-flight.ts'

const CLOCK_TOLERANCE_SECONDS = 60
const MAX_LIFE_SECONDS = 3_600

// Nothing is remembered of a token that fails here: it costs no call, and keys and clocks change.
const REFUSED: Introspection = { outcome: 'inactive', definite: false }

/**
 * Verifies access tokens with the issuer's public keys (RFC 9068 §4): ES256 only, type `at+jwt`, every claim there, a
 * life of an hour at most. The audience is told, not judged. Nobody that the token names is ever asked.
 */
export function createCheckToken(config: Config, findKey: FindKey, clock: Clock): Introspect {
  return async (token) => {
    const jose = await loadJose()
    if (jose === undefined) return unavailable('jose_missing')
    const kid = readTokenHeader(token)?.kid
    const found = typeof kid === 'string' ? await findKey(kid) : { outcome: 'unknown' as const }
    if (found.outcome === 'unavailable') return unavailable('keys_unavailable')
    if (found.outcome === 'unknown') return REFUSED
    try {
      const { payload } = await jose.jwtVerify(token, found.key, {
        algorithms: ['ES256'],
        typ: 'at+jwt',
        issuer: config.issuer,
        currentDate: new Date(clock()),
        // For `nbf`; `exp` is held against the bare clock by whoever uses the answer.
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      })
      return readClaims(payload, config, clock)
    } catch (error) {
      if (error instanceof jose.errors.JOSEError) return REFUSED
      throw error
    }
  }
}

function readClaims(claims: unknown, config: Config, clock: Clock): Introspection {
  if (!isRecord(claims)) return REFUSED
  const { sub, client_id, jti, iat, exp, scope = '', aud } = claims
  if (!isText(sub) || !isText(client_id) || !isText(jti) || typeof scope !== 'string') return REFUSED
  if (typeof iat !== 'number' || typeof exp !== 'number') return REFUSED
  // Without a call a revocation is only seen when the token ends, so one that lives long is not accepted.
  if (exp - iat > MAX_LIFE_SECONDS || iat > clock() / 1000 + CLOCK_TOLERANCE_SECONDS) return REFUSED
  // A token bound to a key must not pass as a bearer token (RFC 9449 §7.1, RFC 8705 §3).
  if (claims.cnf !== undefined) return REFUSED
  const user = {
    sub,
    issuer: config.issuer,
    scopes: Object.freeze(splitScope(scope)),
    client_id,
    expiresAtSeconds: exp,
  }
  return { outcome: 'active', audience: aud, user: Object.freeze(user) }
}

function isText(claim: unknown): claim is string {
  return typeof claim === 'string' && claim !== ''
}

/** Asks the issuer only about tokens that it signed itself. Without its keys it is asked about every one. */
export function checkFirst(checkToken: Introspect, introspect: Introspect): Introspect {
  return async (token) => {
    const checked = await checkToken(token)
    return checked.outcome === 'inactive' ? checked : introspect(token)
  }
}
