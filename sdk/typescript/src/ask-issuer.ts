import type { Config } from './config.ts'

/**
 * Sends one request to the issuer and reads its answer; the path begins with a slash. It rejects where no whole answer
 * comes in time.
 */
export type AskIssuer = <T>(path: string, init: Init, read: (response: Response) => Promise<T>) => Promise<T>

type Init = Omit<RequestInit, 'signal' | 'redirect'>

/**
 * Waits no longer than `timeoutMs` in all, and tries once more where the connection failed: an idle one that the issuer
 * has just closed fails like that. What is asked changes nothing at the issuer, so it may arrive twice.
 */
export function createAskIssuer(config: Config): AskIssuer {
  return async (path, init, read) => {
    // Not AbortSignal.timeout, which would stay for the whole time after every answer.
    const { signal, done } = createDeadline(config.timeoutMs)
    // A redirect would carry the key and the token to whoever is named there.
    const send = () => config.fetch(`${config.issuer}${path}`, { ...init, redirect: 'manual', signal })
    try {
      return await read(await send().catch((error) => (signal.aborted ? Promise.reject(error) : send())))
    } finally {
      done()
    }
  }
}

function createDeadline(timeoutMs: number) {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), timeoutMs)
  return { signal: controller.signal, done: () => clearTimeout(timer) }
}
