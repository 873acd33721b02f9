/** A URL that comes from configuration or from the issuer, never from a request (RFC 9728 §3.3). */
export type FixedUrl = Readonly<{
  /** Canonical spelling: lower-case scheme and host, no default port, no lone `/`. */
  href: string
  origin: string
  /** Empty where the URL is a bare origin. */
  path: string
}>

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** The issuer as one canonical text without trailing slash, or a sentence that says what is wrong. */
export function parseIssuer(value: string): FixedUrl | string {
  return parseFixedUrl(value.replace(/\/$/, ''))
}

/** The registered URL of a server as its tokens name it in `aud`, or a sentence that says what is wrong. */
export function parseServerUrl(value: string): FixedUrl | string {
  return parseFixedUrl(value)
}

function parseFixedUrl(value: string): FixedUrl | string {
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value) || !URL.canParse(value)) return 'is not an absolute URL'
  const url = new URL(value)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.has(url.hostname))) {
    // Keys and tokens travel there (RFC 6749 §1.6).
    return 'must be https; http is for localhost, 127.0.0.1 and [::1] only'
  }
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  if (value.includes('?') || value.includes('#')) return 'must not have a query or fragment'
  const path = url.pathname === '/' ? '' : url.pathname
  return Object.freeze({ href: `${url.origin}${path}`, origin: url.origin, path })
}
