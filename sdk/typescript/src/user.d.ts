/**
 * The person a request acts for. Key your data on `issuer` and `sub` together: an e-mail address changes hands.
 * The access token is not in here, so that it cannot be passed on by mistake (MCP 2026-07-28, Token Handling).
 */
export type User = Readonly<{
  sub: string
  issuer: string
  email?: string
  /** There with every e-mail; false unless the issuer says otherwise. */
  email_verified?: boolean
  scopes: readonly string[]
  client_id: string
  expiresAtSeconds: number
}>
