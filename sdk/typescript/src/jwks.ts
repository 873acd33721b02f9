import type { AskIssuer } from './ask-issuer.ts'
import type { Config } from './config.ts'
import { isRecord, parseJson } from './json.ts'
import { type Jose, loadJose } from './load-jose.ts'
import { readTextUpTo } from './read-text.ts'
import { type Clock, createSingleFlight } from './single-flight.ts'

/** The public key of the issuer with this id. `unavailable`: there are no keys to look in. */
export type FindKey = (
  kid: string,
) => Promise<{ outcome: 'found'; key: CryptoKey } | { outcome: 'unknown' } | { outcome: 'unavailable' }>

type Keys = ReadonlyMap<string, CryptoKey>

const MAX_DOCUMENT_BYTES = 65_536
const FRESH_MS = 300_000 // what the issuer lets its document be cached for
// The longest life of a token: whatever was signed with keys as old as this has expired.
const STALE_MS = 3_600_000
const PAUSE_MS = 30_000
const PAUSE_WITHOUT_KEYS_MS = 5_000

/**
 * Keeps the issuer's keys (RFC 7517): asked for again after five minutes, and for an id that is not among them, but at
 * most once in 30 seconds, whoever invents ids. While that fails, the old ones stay good for an hour.
 */
export function createFindKey(config: Config, ask: AskIssuer, clock: Clock): FindKey {
  const once = createSingleFlight<void>(config.timeoutMs, clock, undefined)
  let keys: Keys = new Map()
  let readAtMs = Number.NEGATIVE_INFINITY
  let pausedUntilMs = 0
  const refresh = async () => {
    const read = await fetchKeys(ask)
    if (read !== undefined) [keys, readAtMs] = [read, clock()]
    pausedUntilMs = clock() + (keys.size === 0 ? PAUSE_WITHOUT_KEYS_MS : PAUSE_MS)
  }
  return async (kid) => {
    const isFresh = clock() - readAtMs < FRESH_MS && keys.has(kid)
    if (!isFresh && clock() >= pausedUntilMs) await once('jwks', refresh)
    const key = keys.get(kid)
    if (clock() - readAtMs >= STALE_MS) return { outcome: 'unavailable' }
    return key === undefined ? { outcome: 'unknown' } : { outcome: 'found', key }
  }
}

/** Undefined where the document cannot be had, or has no key that could have signed a token. */
async function fetchKeys(ask: AskIssuer): Promise<Keys | undefined> {
  try {
    return await ask('/.well-known/jwks.json', { headers: { Accept: 'application/json' } }, readKeys)
  } catch {
    return undefined
  }
}

async function readKeys(response: Response): Promise<Keys | undefined> {
  const jose = await loadJose()
  if (response.status !== 200 || jose === undefined) {
    await response.body?.cancel()
    return undefined
  }
  const document = parseJson((await readTextUpTo(response.body, MAX_DOCUMENT_BYTES)) ?? '')
  const listed = isRecord(document) && Array.isArray(document.keys) ? document.keys : []
  const keys = new Map<string, CryptoKey>()
  for (const jwk of listed) await importInto(keys, jwk, jose)
  return keys.size === 0 ? undefined : keys
}

/** Only what ES256 can use: a key of another kind, or one that cannot be read, is passed over (RFC 7517 §5). */
async function importInto(keys: Map<string, CryptoKey>, jwk: unknown, jose: Jose): Promise<void> {
  if (!isRecord(jwk) || jwk.kty !== 'EC' || jwk.crv !== 'P-256') return
  const { kid, x, y, use = 'sig', alg = 'ES256' } = jwk
  if (typeof kid !== 'string' || typeof x !== 'string' || typeof y !== 'string') return
  if (use !== 'sig' || alg !== 'ES256' || keys.has(kid)) return
  const key = await jose.importJWK({ kty: 'EC', crv: 'P-256', x, y }, 'ES256').catch(() => undefined)
  if (key !== undefined && !(key instanceof Uint8Array)) keys.set(kid, key)
}
