/** Runs with the clock standing at one second; timers go on as ever. */
export async function atSecond<T>(nowSeconds: number, act: () => Promise<T>): Promise<T> {
  const { now } = Date
  Date.now = () => nowSeconds * 1000
  try {
    return await act()
  } finally {
    Date.now = now
  }
}
