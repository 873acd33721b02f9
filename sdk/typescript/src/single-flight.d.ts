/** Milliseconds since the epoch. */
export type Clock = () => number
/** Runs one call a key at a time; who comes meanwhile gets its result. */
export type SingleFlight<T> = (key: string, start: () => Promise<T>) => Promise<T>
/**
 * Nobody waits longer than `timeoutMs` for somebody else's call, and a call older than that is not joined: on edge
 * runtimes a call dies with the request that began it, without ever settling.
 * @param late what a waiter gets whose time is up
 */
export declare function createSingleFlight<T>(timeoutMs: number, clock: Clock, late: T): SingleFlight<T>
