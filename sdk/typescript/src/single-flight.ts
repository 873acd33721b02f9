/** Milliseconds since the epoch. */
export type Clock = () => number

/** Runs one call a key at a time; who comes meanwhile gets its result. */
export type SingleFlight<T> = (key: string, start: () => Promise<T>) => Promise<T>

/**
 * Nobody waits longer than `timeoutMs`, and a call older than that is not joined: on edge runtimes a call dies with the
 * request that began it, without ever settling.
 * @param late what a waiter gets whose time is up
 */
export function createSingleFlight<T>(timeoutMs: number, clock: Clock, late: T): SingleFlight<T> {
  const flights = new Map<string, { startedAtMs: number; result: Promise<T> }>()
  return (key, start) => {
    const flight = flights.get(key)
    if (flight !== undefined && clock() - flight.startedAtMs < timeoutMs) return within(flight.result, timeoutMs, late)
    const begun = { startedAtMs: clock(), result: start() }
    flights.set(key, begun)
    const land = () => {
      if (flights.get(key) === begun) flights.delete(key)
    }
    begun.result.then(land, land)
    return within(begun.result, timeoutMs, late)
  }
}

function within<T>(result: Promise<T>, timeoutMs: number, late: T): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(late), timeoutMs)
    result.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
