import { inject } from 'vitest'

/** What stands at a path. */
export type HostedAnswer = {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export type HostRequest = {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Where strangers host their documents: a real server on loopback. */
export const hostUrl = (path = ''): string => `${inject('documentHostUrl')}${path}`

const control = (what: string, path: string): string => hostUrl(`/host/${what}?path=${encodeURIComponent(path)}`)

/** Puts an answer at a path, in place of what stood there. */
export async function host(path: string, answer: HostedAnswer): Promise<void> {
  await (await fetch(control('publish', path), { method: 'PUT', body: JSON.stringify(answer) })).text()
}

/** Puts a JSON document at a path. */
export function hostJson(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  return host(path, { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
}

/** Who asked for a path, oldest first. */
export async function requestsFor(path: string): Promise<HostRequest[]> {
  return (await (await fetch(control('requests', path))).json()) as HostRequest[]
}
