import type { Parties } from '../pages/consent-parties.tsx'

/**
 * The part of each host that somebody registered and answers for (THREATS B22), by the Public Suffix List, its private part
 * included: what stands below github.io belongs to whoever has that page, and not to GitHub. A host without one is left out:
 * an address, localhost, a suffix itself. The list is a module of its own, loaded with the first consent page.
 */
export async function registrableDomains(hosts: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const { getDomain } = await import('tldts')
  const found = hosts.map((host) => [host, getDomain(host, { allowPrivateDomains: true })])
  return Object.fromEntries(found.filter(([, domain]) => domain !== null))
}

/** The hosts that a consent page names. */
export function hostsOf({ client, redirect, server }: Parties): readonly string[] {
  const vouching = 'host' in client.proof ? [client.proof.host] : []
  const returning = redirect.kind === 'https' ? [redirect.host] : []
  return [...vouching, ...returning, ...(server === null ? [] : [server.host])]
}
