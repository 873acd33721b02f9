/** The country that the edge in front of us names (ISO 3166-1), or undefined where it knows none. */
export function clientCountry(header: string | undefined): string | undefined {
  // XX is Cloudflare's word for an address of no known country.
  return header !== undefined && /^[A-Z]{2}$/.test(header) && header !== 'XX' ? header : undefined
}
