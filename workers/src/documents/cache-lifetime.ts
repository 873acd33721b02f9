/** Bounds of how long a validated document is believed, in seconds (SECURITY §24). */
export const shortestLifetimeSeconds = 5 * 60
export const longestLifetimeSeconds = 24 * 60 * 60

/**
 * How long a document stays fresh, in seconds (RFC 9111 §4.2.1, §5.2.2): its `max-age` less its `Age`, never under five
 * minutes (it would be fetched for each request) and never over a day (a bad document would be pinned, THREATS E14).
 */
export function freshSeconds(cacheControl: string | null, age: number): number {
  const directives = (cacheControl ?? '')
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim())
  if (directives.some((directive) => /^(?:no-store|no-cache|private)(?:=|$)/.test(directive)))
    return shortestLifetimeSeconds
  const maxAge = directives
    .map((directive) => /^(?:s-maxage|max-age)="?([0-9]{1,10})"?$/.exec(directive)?.[1])
    .find(Boolean)
  const seconds = maxAge === undefined ? shortestLifetimeSeconds : Number(maxAge) - age
  return Math.min(Math.max(seconds, shortestLifetimeSeconds), longestLifetimeSeconds)
}
