import { vi } from 'vitest'

/** Runs with the clock standing at one second; timers go on as ever. */
export async function atSecond<T>(nowSeconds: number, act: () => Promise<T>): Promise<T> {
  const clock = vi.spyOn(Date, 'now').mockReturnValue(nowSeconds * 1000)
  try {
    return await act()
  } finally {
    clock.mockRestore()
  }
}
