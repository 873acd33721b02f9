import type { AllowedUrl } from './document-url.ts'
import { isPublicAddress, type ResolveName } from './resolve.ts'

/**
 * What came of one request. `unavailable` is never told apart in public (THREATS E19): `detail` is for the log, and `told`
 * is what even the owner of the host may read, nothing that the network said. `invalid` speaks of what a public host did
 * answer, and helps whoever wrote the document.
 */
export type FetchedJson =
  | { readonly outcome: 'fetched'; readonly json: unknown; readonly cacheControl: string | null; readonly age: number }
  | Unavailable
  | { readonly outcome: 'invalid'; readonly detail: string }

type Unavailable = {
  readonly outcome: 'unavailable'
  readonly detail: string
  readonly told: string
  /** The host is up and only this document is not there: no reason to leave the host alone (THREATS E18). */
  readonly hostWorks: boolean
}

/** A call that sends something along; without one it is a plain GET with nothing of ours. */
export type JsonCall = {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export type FetchSettings = {
  readonly call?: JsonCall
  readonly fetchUrl: typeof fetch
  /** Absent: the runtime alone keeps requests on the public network (SECURITY §25, "Rebinding"). */
  readonly resolveName?: ResolveName
  readonly timeoutMs: number
  readonly userAgent: string
}

const jsonType = /^application\/(?:json|[a-z0-9!#$&^_.+-]+\+json)$/

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/** What is the same for the log and for the owner of the host. */
function unavailable(detail: string): Unavailable {
  return { outcome: 'unavailable', detail, told: detail, hostWorks: false }
}

/** Runs the work with a deadline over everything: slow headers and a body of one byte a second alike (THREATS E7). */
export async function withDeadline<Result>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | null = null
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new DeadlineError(`no complete answer within ${timeoutMs} ms`))
      controller.abort()
    }, timeoutMs)
  })
  try {
    return await Promise.race([work(controller.signal), deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** Reads at most so many decoded bytes and cancels what is left (THREATS E6); undefined when there is more. */
async function readAtMost(response: Response, maximumBytes: number): Promise<Uint8Array | undefined> {
  const reader = response.body?.getReader()
  const bytes = new Uint8Array(maximumBytes)
  let length = 0
  for (;;) {
    const chunk = await reader?.read()
    if (chunk === undefined || chunk.done) return bytes.subarray(0, length)
    if (length + chunk.value.byteLength > maximumBytes) {
      await reader?.cancel()
      return undefined
    }
    bytes.set(chunk.value, length)
    length += chunk.value.byteLength
  }
}

function parseJson(bytes: Uint8Array): FetchedJson | { readonly json: unknown } {
  try {
    return { json: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)) }
  } catch {
    return { outcome: 'invalid', detail: 'the document is not JSON in UTF-8' }
  }
}

async function readAnswer(response: Response, maximumBytes: number): Promise<FetchedJson> {
  // Redirects are not followed (CIMD draft §4): a public host could send us inside (THREATS E4).
  if (response.status !== 200) {
    await response.body?.cancel()
    const hostWorks = response.status < 500 && response.status !== 429
    return { ...unavailable(`status ${response.status}, expected 200`), hostWorks }
  }
  const type = (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (!jsonType.test(type)) {
    await response.body?.cancel()
    const seen = /^[\x21-\x7e]{1,80}$/.test(type) ? type : 'none'
    return { outcome: 'invalid', detail: `its Content-Type is ${seen}: serve it as application/json` }
  }
  const bytes = await readAtMost(response, maximumBytes)
  if (bytes === undefined) return { outcome: 'invalid', detail: `it is larger than ${maximumBytes} bytes` }
  const parsed = parseJson(bytes)
  if ('outcome' in parsed) return parsed
  const age = Number(response.headers.get('age') ?? '0')
  const cacheControl = response.headers.get('cache-control')
  return { outcome: 'fetched', json: parsed.json, cacheControl, age: Number.isFinite(age) && age > 0 ? age : 0 }
}

export async function addressProblem(
  allowed: AllowedUrl,
  resolveName: ResolveName | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (allowed.isLoopback || resolveName === undefined) return undefined
  const addresses = await resolveName(allowed.url.hostname, signal)
  if (addresses.length === 0) return 'the name has no address'
  return addresses.every(isPublicAddress) ? undefined : 'the name has an address that is not public'
}

/**
 * Fetches a JSON document that a stranger hosts (SECURITY §24): every address checked, no redirect, status 200 only, JSON
 * types only, bounded in bytes after decoding and in time over everything, fixed headers, nothing of ours sent along.
 */
export async function fetchJson(
  allowed: AllowedUrl,
  maximumBytes: number,
  settings: FetchSettings,
): Promise<FetchedJson> {
  try {
    return await withDeadline(settings.timeoutMs, async (signal) => {
      const problem = await addressProblem(allowed, settings.resolveName, signal)
      if (problem !== undefined) return unavailable(problem)
      const response = await settings.fetchUrl(allowed.url, {
        method: 'GET',
        ...settings.call,
        headers: { accept: 'application/json', ...settings.call?.headers, 'user-agent': settings.userAgent },
        redirect: 'manual',
        cache: 'no-store',
        signal,
      })
      return readAnswer(response, maximumBytes)
    })
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'the request failed'
    return error instanceof DeadlineError
      ? unavailable(detail)
      : { ...unavailable(detail), told: 'the host could not be reached' }
  }
}
