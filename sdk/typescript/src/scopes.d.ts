/** One scope as RFC 6749 §3.3 spells it: printable ASCII without space, quote and backslash. */
export declare function isScopeToken(scope: string): boolean
/** Lists joined in order, each scope once. */
export declare function joinScopes(...lists: readonly (readonly string[])[]): readonly string[]
/**
 * Whether the granted scopes, with all they imply, hold every needed one (MCP 2026-07-28, Authorization:
 * servers MUST account for scope hierarchies). Whole scopes are compared, never parts of them.
 */
export declare function holdsScopes(
  granted: readonly string[],
  needed: readonly string[],
  implications: ReadonlyMap<string, readonly string[]>,
): boolean
