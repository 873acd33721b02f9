import { type OAuthError, refused } from './errors.ts'
import { canonicalUrl, type IssuerFacts, isLoopbackHost } from './resource.ts'

/** Names that lead nowhere, or to a different place on each network (RFC 6761, RFC 6762, RFC 8375). */
const specialUseSuffixes = ['alt', 'arpa', 'internal', 'invalid', 'lan', 'local', 'localhost', 'onion']

function malformed(problem: string): OAuthError {
  return refused('server_url_malformed', `server_url ${problem}`)
}

function isOwnHost(host: string, issuer: IssuerFacts): boolean {
  const own = new URL(issuer.issuer).hostname
  return host === own || host.endsWith(`.${own}`)
}

function isPublicName(host: string): boolean {
  const labels = host.split('.')
  const last = labels.at(-1) ?? ''
  // A last label with a digit first is an IPv4 address in one of its spellings.
  return labels.length > 1 && /^[a-z]/.test(last) && !specialUseSuffixes.includes(last)
}

/**
 * The URL of an MCP server as it is registered and compared: already in its canonical spelling, so that the owner and
 * this server mean the same string (THREATS J14, J15, K3).
 * @throws OAuthError invalid_request that says what to write instead
 */
export function parseServerUrl(value: string, issuer: IssuerFacts): string {
  if (/[?#]/.test(value)) throw malformed('must not have a query or a fragment')
  const url = canonicalUrl(value)
  if (url === undefined)
    throw malformed('must be an absolute https URL without user name, dot segments or encoded slashes')
  const canonical = `${url.origin}${url.path}`
  const { host } = url
  if (isLoopbackHost(host)) {
    if (!issuer.issuerIsLoopback) throw malformed('must not be on loopback: clients elsewhere could not reach it')
    if (url.origin === issuer.issuer) throw malformed('must not be the address of this server itself')
  } else {
    if (url.scheme !== 'https') throw malformed('must be https')
    if (!isPublicName(host)) throw malformed('must have a public DNS name as its host')
    if (isOwnHost(host, issuer)) throw malformed('must not be the address of this server itself')
    if (url.origin !== `https://${host}`) throw malformed('must not have a port')
  }
  if (canonical !== value) throw malformed(`must be written as ${canonical}`)
  return canonical
}
