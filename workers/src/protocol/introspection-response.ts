import type { AccessToken } from './access-token.ts'
import { formatScope } from './scope.ts'

/** What the database says of a live token. */
export type ActiveToken = {
  readonly sub: string
  readonly client_id: string
  readonly scopes: readonly string[]
  readonly aud: string
  readonly username?: string | undefined
  readonly email?: string | undefined
  readonly email_verified?: boolean | undefined
  readonly server_id: string
  readonly auth_time_seconds: number
}

/** The one answer to everything that is not a live token of the asking server (RFC 7662 §2.2, THREATS H3). */
export const inactiveResponse = { active: false } as const

/** RFC 7662 §2.2. */
export function introspectionResponse(active: ActiveToken, token: AccessToken, issuer: string) {
  return {
    active: true,
    sub: active.sub,
    client_id: active.client_id,
    scope: formatScope(active.scopes),
    aud: active.aud,
    iss: issuer,
    exp: token.exp,
    iat: token.iat,
    jti: token.jti,
    token_type: 'Bearer',
    ...(active.username !== undefined && { username: active.username }),
    ...(active.email !== undefined && { email: active.email }),
    ...(active.email_verified !== undefined && { email_verified: active.email_verified }),
    server_id: active.server_id,
    auth_time: active.auth_time_seconds,
  }
}

/** The media type of a signed answer (RFC 9701 §4). */
export const signedIntrospectionType = 'application/token-introspection+jwt'

/**
 * The claims of a signed answer (RFC 9701 §5). No `sub` and no `exp` beside `token_introspection`: nobody may take it for an
 * access token. The audience is the API key that asked, which belongs to one server.
 */
export function signedIntrospectionClaims(
  response: object,
  { issuer, audience, iat }: { readonly issuer: string; readonly audience: string; readonly iat: number },
) {
  return { iss: issuer, aud: audience, iat, token_introspection: response }
}
