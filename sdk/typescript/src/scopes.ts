/** One scope as RFC 6749 §3.3 spells it: printable ASCII without space, quote and backslash. */
export function isScopeToken(scope: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)
}

/** Lists joined in order, each scope once. */
export function joinScopes(...lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())]
}

/**
 * Whether the granted scopes, with all they imply, hold every needed one (MCP 2026-07-28, Authorization:
 * servers MUST account for scope hierarchies). Whole scopes are compared, never parts of them.
 */
export function holdsScopes(
  granted: readonly string[],
  needed: readonly string[],
  implications: ReadonlyMap<string, readonly string[]>,
): boolean {
  const held = new Set(granted)
  // A Set that grows while it is walked visits what was added, so chains and circles of implications end.
  for (const scope of held) for (const implied of implications.get(scope) ?? []) held.add(implied)
  return needed.every((scope) => held.has(scope))
}
