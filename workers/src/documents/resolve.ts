import ipaddr from 'ipaddr.js'
import * as z from 'zod/mini'

/** Gives every address of a name, as text. Throws when it cannot tell. */
export type ResolveName = (name: string, signal?: AbortSignal) => Promise<readonly string[]>

const dnsAnswer = z.object({
  Status: z.number(),
  Answer: z.optional(z.array(z.object({ type: z.number(), data: z.string() }))),
})

/** Gives every text record of a name (RFC 1035 §3.3.14), its strings joined. Throws when it cannot tell. */
export type ResolveText = (name: string, signal?: AbortSignal) => Promise<readonly string[]>

/**
 * The resolver works, and whoever decides about the name does not answer it (RFC 1035 §4.1.1, RCODE): no trouble of ours, and what
 * a name comes to that nobody looks after any more.
 */
export class NameRefused extends Error {
  override readonly name = 'NameRefused'
}

const recordTypes = { A: 1, TXT: 16, AAAA: 28 } as const

/**
 * Asks over HTTPS in the JSON form that public resolvers share.
 * @throws NameRefused, or another Error when the resolver gives no usable answer
 */
function askOverHttps(resolverUrl: string, fetchUrl: typeof fetch) {
  return async (name: string, type: keyof typeof recordTypes, signal?: AbortSignal): Promise<string[]> => {
    const url = new URL(resolverUrl)
    url.searchParams.set('name', name)
    url.searchParams.set('type', type)
    const response = await fetchUrl(url, {
      headers: { accept: 'application/dns-json' },
      redirect: 'manual',
      ...(signal === undefined ? {} : { signal }),
    })
    if (response.status !== 200) throw new Error(`the resolver answered ${response.status}`)
    const answer = dnsAnswer.parse(await response.json())
    // 3 is NXDOMAIN (RFC 1035 §4.1.1): a definite answer, no address.
    if (answer.Status !== 0 && answer.Status !== 3) throw new NameRefused(`the resolver answered code ${answer.Status}`)
    return (answer.Answer ?? []).filter((record) => record.type === recordTypes[type]).map((record) => record.data)
  }
}

/**
 * The addresses of a name: A and AAAA, both needed, because the connection may take either (SECURITY §24).
 * @throws Error when the resolver gives no usable answer
 */
export function resolveOverHttps(resolverUrl: string, fetchUrl: typeof fetch): ResolveName {
  const ask = askOverHttps(resolverUrl, fetchUrl)
  return async (name, signal) => (await Promise.all([ask(name, 'A', signal), ask(name, 'AAAA', signal)])).flat()
}

/**
 * The text records of a name. Resolvers give each as quoted strings, one after the other when it is long.
 * @throws Error when the resolver gives no usable answer
 */
export function resolveTextOverHttps(resolverUrl: string, fetchUrl: typeof fetch): ResolveText {
  const ask = askOverHttps(resolverUrl, fetchUrl)
  return async (name, signal) => {
    const records = await ask(name, 'TXT', signal)
    return records.map((record) =>
      [...record.matchAll(/"((?:[^"\\]|\\.)*)"|([^"\s]+)/g)].map(([, one, two]) => one ?? two ?? '').join(''),
    )
  }
}

/**
 * Whether an address is on the public Internet: global unicast and none of the special-purpose blocks (RFC 6890), so no
 * loopback, private, link-local, mapped, NAT64, 6to4 or Teredo address (THREATS E2).
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  // Everything IANA has given out as global unicast lies in 2000::/3 (RFC 4291 §2.4); what lies outside has no public host.
  return parsed.kind() === 'ipv4' || ((parsed.toByteArray()[0] ?? 0) & 0xe0) === 0x20
}
