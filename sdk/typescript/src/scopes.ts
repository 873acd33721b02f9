/** One scope as RFC 6749 §3.3 spells it: printable ASCII without space, quote and backslash. */
export function isScopeToken(scope: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)
}

/** The scopes of one text (RFC 6749 §3.3). */
export function splitScope(scope: string): string[] {
  return scope.split(' ').filter((name) => name !== '')
}

/** Lists joined in order, each scope once. */
export function joinScopes(...lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())]
}

/**
 * The scopes that were granted with all they imply (MCP 2026-07-28, Authorization: servers MUST account for scope
 * hierarchies).
 */
export function heldScopes(
  granted: readonly string[],
  implications: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const held = new Set(granted)
  // A Set that grows while it is walked visits what was added, so chains and circles of implications end.
  for (const scope of held) for (const implied of implications.get(scope) ?? []) held.add(implied)
  return held
}

/** Whole scopes are compared, never parts of them. */
export function holdsAll(held: ReadonlySet<string>, needed: readonly string[]): boolean {
  return needed.every((scope) => held.has(scope))
}
