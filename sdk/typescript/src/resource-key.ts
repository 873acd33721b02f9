// Schemes whose URIs always have a host, however many slashes are written before it (WHATWG URL, special schemes).
const HAS_HOST = new Set(['http:', 'https:', 'ws:', 'wss:', 'ftp:'])
const DEFAULT_PORT = /^((?:http|ws):[^/?]*):(?:80)?(?=[/?]|$)|^((?:https|wss):[^/?]*):(?:443)?(?=[/?]|$)/

/** The keys of a URI: as it is written, and as `URL` reads it, which is what a server sees that looks up `new URL(uri).href`. */
export function resourceKeys(uri: string): readonly string[] {
  const written = resourceKey(uri)
  const parsed = URL.canParse(uri) ? resourceKey(new URL(uri).href) : written
  return parsed === written ? [written] : [written, parsed]
}

/**
 * What all spellings of one resource have in common (RFC 3986 §6.2.2, and coarser). Servers differ in which spellings
 * they take for the same, so this tells apart less than any of them: another spelling may be asked for scopes in vain,
 * but does not go around them.
 */
export function resourceKey(uri: string): string {
  const decoded = uri.replace(/%([2-7][0-9a-f])/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  const plain = decoded.replace(/[\0- \x7f]/g, '').replaceAll('\\', '/')
  // Half of a surrogate pair has no encoding.
  const encoded = plain.replace(/[^\0-\x7f\p{Cs}]+/gu, encodeURIComponent)
  const folded = cutAt(encoded, '#')[0].replace(/[A-Z]/g, (letter) => letter.toLowerCase())
  const [before, query] = cutAt(folded, '?')
  const scheme = /^[a-z][a-z0-9+.-]*:/.exec(before)?.[0] ?? ''
  return `${scheme}${walkPath(before.slice(scheme.length), scheme)}${query}`.replace(DEFAULT_PORT, '$1$2')
}

/** Host and path without empty parts, `.` and `..`; the host is no part that `..` could leave. */
function walkPath(path: string, scheme: string): string {
  const host = HAS_HOST.has(scheme) || /^\/\/[^/]/.test(path) ? 1 : 0
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part !== '..' && part !== '.' && part !== '') parts.push(part)
    else if (part === '..' && parts.length > host) parts.pop()
  }
  // RFC 8089 §2: the host of a file may be left out.
  if (scheme === 'file:' && host === 1 && parts[0] === 'localhost') parts.shift()
  return parts.join('/')
}

/** A text before a letter, and the rest from that letter on. */
function cutAt(text: string, letter: string): [before: string, rest: string] {
  const place = text.indexOf(letter)
  return place === -1 ? [text, ''] : [text.slice(0, place), text.slice(place)]
}
