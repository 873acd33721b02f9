import { refused } from './errors.ts'

const addressSizeBytes = 254
const localPart = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const domainName = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/

/** The A-label form of a domain (RFC 5890); undefined when it has none. */
function asciiDomain(domain: string): string | undefined {
  // Nothing a URL parser would read as the end of the host, or decode.
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(domain) || !URL.canParse(`https://${domain}`)) return undefined
  const { hostname } = new URL(`https://${domain}`)
  return domainName.test(hostname) ? hostname : undefined
}

/**
 * The canonical form of an e-mail address, which is also the account's key: one addr-spec (RFC 5321 §4.1.2) with an
 * ASCII local part and the domain as A-labels, all in lower case, at most 254 bytes. Nothing that belongs to a provider
 * is folded: dots and plus tags stay.
 * @throws OAuthError email_malformed; also for whatever NFKC would change (CVE-2022-35924 and its kin, THREATS C10)
 */
export function parseEmailAddress(text: string): string {
  const trimmed = text.replace(/^ +| +$/g, '')
  const [local, domain, more] = trimmed.length <= addressSizeBytes ? trimmed.split('@') : []
  if (local === undefined || domain === undefined || more !== undefined) throw refused('email_malformed')
  if (trimmed.normalize('NFKC') !== trimmed) throw refused('email_malformed')
  const host = asciiDomain(domain)
  const lowerLocal = local.toLowerCase()
  if (host === undefined || local.length > 64 || !localPart.test(lowerLocal)) throw refused('email_malformed')
  const address = `${lowerLocal}@${host}`
  if (address.length > addressSizeBytes) throw refused('email_malformed')
  return address
}
