import { MAX_CHARACTERS, readTokenHeader } from './access-token.ts'
import { assertNever } from './assert-never.ts'
import type { Config } from './config.ts'
import { type Introspect, type Introspection, unavailable } from './introspection.ts'
import { createLru } from './lru.ts'
import { sha256Base64Url, tokenKeySync } from './sha256.ts'
import { type Clock, createSingleFlight } from './single-flight.ts'
import type { User } from './user.ts'

type Unavailable = Extract<Introspection, { outcome: 'unavailable' }>

/** Whether a token is good here and now. `misaddressed`: alive, but its audience is not this server. */
export type Verification =
  | { outcome: 'active'; user: User }
  | { outcome: 'inactive'; misaddressed: boolean }
  | Unavailable

export type VerifyToken = Readonly<{
  /** Whom a token acts for that is remembered as live, without waiting and without reading it. */
  recall: (token: string) => User | undefined
  verify: (token: string, audience: string) => Promise<Verification>
}>

const MAX_LIVE_TOKENS = 10_000
const MAX_DEAD_TOKENS = 1_000
const DEAD_TTL_SECONDS = 10

/** A verifier that asks the issuer, one call at a time for each token, and remembers as `createMemory` says. */
export function createVerifyToken(config: Config, introspect: Introspect, clock: Clock): VerifyToken {
  const memory = createMemory(config, clock)
  const once = createSingleFlight<Verification>(config.timeoutMs, clock, unavailable('unreachable'))
  const ask = async (token: string, key: string, audience: string): Promise<Verification> => {
    const answer = await introspect(token)
    switch (answer.outcome) {
      case 'active':
        // Judged before it is remembered: another request may look in the next moment.
        if (!isAudience(answer.audience, audience)) return { outcome: 'inactive', misaddressed: true }
        memory.keepLive(key, answer.user)
        return whileNotExpired(answer.user, clock)
      case 'inactive':
        memory.forget(key)
        if (answer.definite) memory.keepDead(key)
        return inactive()
      case 'unavailable':
        return memory.recallStale(key, answer) ?? answer
      default:
        return assertNever(answer)
    }
  }
  return Object.freeze({
    recall(token: string) {
      const key = token.length > MAX_CHARACTERS ? undefined : tokenKeySync(token)
      return key === undefined ? undefined : memory.recallLive(key)
    },
    async verify(token: string, audience: string) {
      if (readTokenHeader(token) === undefined) return inactive()
      const key = tokenKeySync(token) ?? (await sha256Base64Url(token))
      return memory.recall(key) ?? once(key, () => ask(token, key, audience))
    },
  })
}

type Remembered = Readonly<{ user: User; goodUntilMs: number; freshUntilMs: number; staleUntilMs: number }>

/**
 * Live tokens for `cacheTtlSeconds` and never past `exp`; a definite "inactive" for ten seconds at most, in a memory of
 * its own, so that random tokens cannot push out good ones. Nothing else is remembered, least of all an outage.
 */
function createMemory(config: Config, clock: Clock) {
  const live = createLru<Remembered>(MAX_LIVE_TOKENS)
  const deadUntilMs = createLru<number>(MAX_DEAD_TOKENS)
  return {
    recallLive(key: string): User | undefined {
      const known = live.get(key)
      return known !== undefined && clock() < known.goodUntilMs ? known.user : undefined
    },
    recall(key: string): Verification | undefined {
      const known = live.get(key)
      if (known !== undefined && clock() < known.freshUntilMs) return whileNotExpired(known.user, clock)
      return clock() < (deadUntilMs.get(key) ?? 0) ? inactive() : undefined
    },
    recallStale(key: string, failure: Unavailable): Verification | undefined {
      const known = live.get(key)
      // A refused key is a decision of the issuer, not an outage: nothing stale is good enough then.
      if (known === undefined || failure.reason === 'key_refused' || clock() >= known.staleUntilMs) return undefined
      return whileNotExpired(known.user, clock)
    },
    keepLive(key: string, user: User): void {
      const freshUntilMs = clock() + config.cacheTtlSeconds * 1000
      const staleUntilMs = freshUntilMs + config.staleIfErrorSeconds * 1000
      const goodUntilMs = Math.min(freshUntilMs, user.expiresAtSeconds * 1000)
      if (staleUntilMs > clock()) live.set(key, { user, goodUntilMs, freshUntilMs, staleUntilMs })
    },
    keepDead(key: string): void {
      const ttlSeconds = Math.min(DEAD_TTL_SECONDS, config.cacheTtlSeconds)
      if (ttlSeconds > 0) deadUntilMs.set(key, clock() + ttlSeconds * 1000)
    },
    forget: (key: string) => live.delete(key),
  }
}

function inactive(): Verification {
  return { outcome: 'inactive', misaddressed: false }
}

function whileNotExpired(user: User, clock: Clock): Verification {
  return clock() < user.expiresAtSeconds * 1000 ? { outcome: 'active', user } : inactive()
}

/** The whole text is compared (RFC 8707 §2): a prefix would let one path speak for another. */
function isAudience(claim: unknown, audience: string): boolean {
  return claim === audience || (Array.isArray(claim) && claim.length === 1 && claim[0] === audience)
}
