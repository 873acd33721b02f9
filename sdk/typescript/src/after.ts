/**
 * Goes on with a value: at once where it is there, else when it has come. A request with a remembered token waits for
 * nothing, and each `await` would cost it a turn of the loop's queue all the same.
 */
export function after<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
