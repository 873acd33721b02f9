import { type Introspect, unavailable } from './introspection.ts'
import type { Clock } from './single-flight.ts'

const FAILURES_UNTIL_OPEN = 5
const OPEN_MS = 5_000

/**
 * Asks nobody for five seconds after five calls in a row that brought no answer, then lets one call try: while the
 * issuer hangs, a request costs no waiting. Only silence counts. An error status comes at once, and one token that
 * makes the issuer fail must not lock out the others.
 */
export function withBreaker(introspect: Introspect, clock: Clock): Introspect {
  let failures = 0
  let openUntilMs = 0
  return async (token) => {
    if (failures >= FAILURES_UNTIL_OPEN) {
      const leftMs = openUntilMs - clock()
      if (leftMs > 0) return unavailable('unreachable', Math.ceil(leftMs / 1000))
      // Until this call has ended the others are told to wait.
      openUntilMs = clock() + OPEN_MS
    }
    const answer = await introspect(token)
    if (answer.outcome !== 'unavailable' || answer.reason !== 'unreachable') {
      failures = 0
      return answer
    }
    failures += 1
    openUntilMs = clock() + OPEN_MS
    return answer
  }
}
