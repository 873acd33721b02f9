/** A challenge in the words of RFC 6750 §3 and RFC 9728 §5.1. */
export type Challenge = {
  error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope'
  description?: string
  scopes: readonly string[]
  metadataUrl: string
}
/**
 * The value of `WWW-Authenticate`. Nothing needs escaping: scopes, URLs and descriptions were checked to hold neither
 * quote nor backslash when the middleware was made, and no part comes from a request.
 */
export declare function writeChallenge(challenge: Challenge): string
/** RFC 6750 §3.1: no error code where the request held no credentials. */
export declare function missingToken(scopes: readonly string[], metadataUrl: string): Response
export declare function malformedHeader(scopes: readonly string[], metadataUrl: string): Response
export declare function invalidToken(scopes: readonly string[], metadataUrl: string): Response
/** All scopes that the request needs stand in one challenge (MCP 2026-07-28, Scope Challenge Handling). */
export declare function insufficientScope(scopes: readonly string[], metadataUrl: string): Response
export declare function issuerUnavailable(retryAfterSeconds: number): Response
export declare function refuse(
  status: number,
  error: string,
  description: string,
  headers?: Readonly<Record<string, string>>,
): Response
/** A refusal in JSON-RPC's words, for what an MCP client reads itself. */
export declare function refuseMessage(
  status: number,
  code: number,
  message: string,
  id: string | number | null,
): Response
