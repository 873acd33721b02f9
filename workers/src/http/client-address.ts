/**
 * The address that limits and audit events are keyed by: IPv4 whole, IPv6 cut to its /64, because one subscriber
 * owns a whole /64 and every textual form of an address must count as one (SECURITY.md, Limits).
 * @returns undefined when the header holds no address, so that a forged value is never used as a key
 */
export function clientAddress(header: string | undefined): string | undefined {
  const text = header?.trim()
  if (text === undefined || text === '' || text.length > 45) return undefined
  if (isIpv4(text)) return text
  const groups = ipv6Groups(text)
  if (groups === undefined) return undefined
  return mappedIpv4(groups) ?? `${groups.slice(0, 4).map(toHex).join(':')}::/64`
}

function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

function toHex(group: number): string {
  return group.toString(16)
}

function mappedIpv4(groups: readonly number[]): string | undefined {
  const [g0, g1, g2, g3, g4, g5, high = 0, low = 0] = groups
  const isMapped = g0 === 0 && g1 === 0 && g2 === 0 && g3 === 0 && g4 === 0 && g5 === 0xffff
  return isMapped ? [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.') : undefined
}

/** The eight groups of an IPv6 address (RFC 4291 §2.2), or undefined when the text is not one. */
function ipv6Groups(text: string): readonly number[] | undefined {
  const halves = withoutEmbeddedIpv4(text)?.split('::') ?? []
  if (halves.length === 0 || halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (head === undefined || ![...head, ...(tail ?? [])].every((group) => /^[0-9a-f]{1,4}$/i.test(group)))
    return undefined
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const filled = tail === undefined ? head : [...head, ...Array<string>(missing).fill('0'), ...tail]
  return filled.map((group) => Number.parseInt(group, 16))
}

function withoutEmbeddedIpv4(text: string): string | undefined {
  const lastColon = text.lastIndexOf(':')
  const tail = text.slice(lastColon + 1)
  if (!tail.includes('.')) return text
  if (!isIpv4(tail)) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number)
  return `${text.slice(0, lastColon + 1)}${toHex(a * 256 + b)}:${toHex(c * 256 + d)}`
}
