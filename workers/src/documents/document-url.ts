/** What stands between a stranger's string and a request of ours (SECURITY §24). */
export type UrlPolicy = {
  /** Where we ourselves are, and our database: nothing a stranger names may make this server call those (THREATS E5). */
  readonly ownOrigins: readonly string[]
  /** The development switch of a loopback issuer: `http` and loopback hosts with a port are read as well. */
  readonly allowLoopback: boolean
}

export type CheckedUrl =
  | { readonly outcome: 'allowed'; readonly url: URL; readonly isLoopback: boolean }
  | { readonly outcome: 'refused'; readonly problem: string }
export type AllowedUrl = Extract<CheckedUrl, { outcome: 'allowed' }>

/** Top-level names that are never on the public Internet (RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476, ICANN .internal). */
const specialUseNames = new Set([
  'alt',
  'arpa',
  'corp',
  'example',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'mail',
  'onion',
  'private',
  'test',
])

const loopbackAuthority = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[1-9][0-9]{0,4})?$/
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Every character of RFC 3986 but the percent sign's bad company: no space, backslash, quote, control or raw Unicode. */
const allowedCharacters = /^[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=%]+$/
/** A dot segment or a separator, plain or encoded once or more often: what a proxy may resolve after our checks. */
const dotSegment = /(?:^|\/)(?:\.|%(?:25)*2e){1,2}(?:\/|$)/i
const encodedSeparator = /%(?:25)*(?:2f|5c|00)/i

function refused(problem: string): CheckedUrl {
  return { outcome: 'refused', problem }
}

const ownProblem = 'its host is this server itself'

function hostProblem(host: string, ownOrigins: readonly string[]): string | undefined {
  if (host !== host.toLowerCase()) return 'its host must be in lower case'
  const labels = host.split('.')
  const last = labels.at(-1) ?? ''
  if (host.length > 253 || labels.length < 2 || !labels.every((one) => label.test(one))) {
    return 'its host must be a public DNS name without port or user'
  }
  // An IPv4 address in any notation ends in a number (WHATWG URL, "ends in a number"): 2130706433, 0x7f.1, 127.1 …
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last)) return 'its host must be a name, not an address'
  if (specialUseNames.has(last)) return 'its host is a special-use name'
  // A host below ours shares our zone: cookies and internal routes live there.
  const own = ownOrigins.map((origin) => new URL(origin).hostname)
  return own.some((ours) => host === ours || host.endsWith(`.${ours}`)) ? ownProblem : undefined
}

/** On loopback a port is a host: all its names lead to the same listener. */
function loopbackProblem(scheme: string, authority: string, ownOrigins: readonly string[]): string | undefined {
  const portOf = (origin: URL): string => origin.port || (origin.protocol === 'https:' ? '443' : '80')
  const own = ownOrigins.map((origin) => new URL(origin)).filter(({ host }) => loopbackAuthority.test(host))
  const called = `${scheme}://${authority}`
  if (!URL.canParse(called)) return 'its port is no port'
  return own.some((ours) => portOf(ours) === portOf(new URL(called))) ? ownProblem : undefined
}

function pathProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'it needs a path'
  const [pathname = ''] = path.split('?', 1)
  if (dotSegment.test(pathname)) return 'its path must not have dot segments'
  if (encodedSeparator.test(pathname)) return 'its path must not have encoded separators'
  return undefined
}

/**
 * Judges a URL on its raw string, before any parser has normalised it (SECURITY §24, THREATS E1 and E10): https, port 443,
 * a public DNS name, no user, no fragment, no dot segment. With `allowLoopback` loopback URLs pass too.
 */
export function checkDocumentUrl(raw: string, policy: UrlPolicy): CheckedUrl {
  if (raw.length > 2_048) return refused('it is longer than 2,048 characters')
  if (!allowedCharacters.test(raw)) return refused('it has a character that must be percent-encoded, or a fragment')
  const parts = /^(https?):\/\/([^/?]*)(.*)$/.exec(raw)
  const [, scheme = '', authority = '', rest = ''] = parts ?? []
  const isLoopback = policy.allowLoopback && loopbackAuthority.test(authority)
  if (scheme !== 'https' && !(isLoopback && scheme === 'http')) return refused('it must begin with https://')
  const problem =
    (isLoopback ? loopbackProblem(scheme, authority, policy.ownOrigins) : hostProblem(authority, policy.ownOrigins)) ??
    pathProblem(rest)
  if (problem !== undefined) return refused(problem)
  return URL.canParse(raw) ? { outcome: 'allowed', url: new URL(raw), isLoopback } : refused('it is not a URL')
}
