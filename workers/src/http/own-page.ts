const firstPage = '/account'

/** Longer ones are none of ours. */
const pathLimitCharacters = 200

/**
 * Where a sign-in may lead: a page of ours that is for signed-in people, else the first of them. The path is matched
 * whole and holds no query, no dot and no second slash, so that it can be read as nobody else's address (no open redirect).
 */
export function readOwnPage(asked: string | undefined): string {
  if (asked === undefined || asked.length > pathLimitCharacters) return firstPage
  return /^\/(account|dashboard)(\/[A-Za-z0-9_-]+)*$/.test(asked) ? asked : firstPage
}
