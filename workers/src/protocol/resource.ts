import { refused } from './errors.ts'

/** What this server is called: the configuration has both. */
export type IssuerFacts = { readonly issuer: string; readonly issuerIsLoopback: boolean }

/** A resource parameter, ready for the database's question which registered server it means. */
export type RequestedResource = {
  readonly resource: string
  /** The canonical spelling first, then its prefixes at path-segment boundaries, longest first. */
  readonly candidates: readonly string[]
  readonly is_origin: boolean
}

export type CanonicalUrl = {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly origin: string
  /** Empty for the root. */
  readonly path: string
}

const urlSizeBytes = 2_048
const pathSegmentsCap = 32
const absoluteUrl = /^(https?):\/\/([a-z0-9.-]+|\[::1\])(?::([0-9]{1,5}))?(\/.*)?$/i
const hostName = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const pathCharacters = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1' || host === '[::1]'
}

function isPlainPath(path: string): boolean {
  if (!pathCharacters.test(path) || /%(?:2f|5c|2e)/i.test(path)) return false
  const segments = path.split('/').slice(1)
  // Dot segments, and empty ones but the last, are read differently by different servers.
  return (
    segments.length <= pathSegmentsCap &&
    segments.every((segment, place) =>
      segment === '' ? place === segments.length - 1 : segment !== '.' && segment !== '..',
    )
  )
}

/**
 * The canonical spelling of a resource (MCP 2026-07-28, Canonical Server URI): scheme and host in lower case, no default
 * port, no lone slash; nothing else is folded (THREATS K3).
 * @returns undefined for user info, query, fragment, dot segments, encoded slashes and whatever else is ambiguous
 */
export function canonicalUrl(value: string): CanonicalUrl | undefined {
  const match = value.length <= urlSizeBytes ? absoluteUrl.exec(value) : null
  if (match === null) return undefined
  const scheme = match[1]?.toLowerCase() === 'http' ? 'http' : 'https'
  const host = (match[2] ?? '').toLowerCase()
  const port = match[3] === undefined ? undefined : Number(match[3])
  const path = match[4] === undefined || match[4] === '/' ? '' : match[4]
  if ((host !== '[::1]' && !hostName.test(host)) || host.length > 253 || !isPlainPath(path)) return undefined
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined
  const isDefaultPort = port === undefined || port === (scheme === 'https' ? 443 : 80)
  return { scheme, host, origin: `${scheme}://${host}${isDefaultPort ? '' : `:${port}`}`, path }
}

function prefixes({ origin, path }: CanonicalUrl): readonly string[] {
  const found = [`${origin}${path}`]
  for (let end = path.length - 1; end > 0; end--) {
    if (path.charAt(end) !== '/') continue
    found.push(`${origin}${path.slice(0, end + 1)}`, `${origin}${path.slice(0, end)}`)
  }
  return [...new Set([...found, origin])]
}

/**
 * Reads the resource parameter (RFC 8707 §2): one only, https, or http on loopback where the issuer is there too.
 * @returns undefined when it is absent
 * @throws OAuthError invalid_target
 */
export function parseResource(values: readonly string[], issuer: IssuerFacts): RequestedResource | undefined {
  const [value, second] = values
  if (value === undefined) return undefined
  if (second !== undefined) throw refused('resource_repeated')
  const url = canonicalUrl(value)
  if (url === undefined) throw refused('resource_malformed')
  const isAllowedHttp = issuer.issuerIsLoopback && isLoopbackHost(url.host)
  if (url.scheme === 'http' && !isAllowedHttp) throw refused('resource_malformed', 'resource must be an https URL')
  const candidates = prefixes(url)
  return { resource: `${url.origin}${url.path}`, candidates, is_origin: url.path === '' }
}
