import * as z from 'zod/mini'
import { formatScope } from './scope.ts'

/** The `typ` of an access token (RFC 9068 §2.1). */
export const accessTokenType = 'at+jwt'

/** Longer ones are not ours: they are not even verified. */
export const accessTokenSizeBytes = 8_192

/** What a token says of its connection: what the database answers has all of it. */
export type TokenSubject = {
  readonly connection_id: string
  readonly account_id: string
  readonly client_id: string
  readonly resource: string
  readonly scopes: readonly string[]
  readonly auth_time_seconds: number
  readonly issued_at_seconds: number
  readonly epoch: number
}

/** An access token of ours, its signature checked. */
export type AccessToken = {
  readonly connection_id: string
  readonly jti: string
  readonly sub: string
  readonly aud: string
  readonly client_id: string
  readonly scopes: readonly string[]
  readonly iat: number
  readonly exp: number
  readonly auth_time: number
  /** The issuer's epoch at the time: raising it ends every token (SECURITY §6). */
  readonly epoch: number
}

/** How long a token lives: what the server chose, 5 to 60 minutes, else the standard (SECURITY §1). */
export function accessTokenSeconds(chosenSeconds: number | undefined, standardSeconds: number): number {
  return Math.min(3_600, chosenSeconds === undefined ? standardSeconds : Math.max(300, chosenSeconds))
}

/**
 * The claims of an access token (RFC 9068 §2.2). No e-mail: whoever may know it asks by introspection.
 * @param nonce 96 random bits, so that no two tokens are equal
 */
export function accessTokenClaims(
  subject: TokenSubject,
  made: { readonly issuer: string; readonly lifetimeSeconds: number; readonly nonce: string },
) {
  return {
    iss: made.issuer,
    sub: subject.account_id,
    aud: subject.resource,
    client_id: subject.client_id,
    scope: formatScope(subject.scopes),
    iat: subject.issued_at_seconds,
    exp: subject.issued_at_seconds + made.lifetimeSeconds,
    auth_time: subject.auth_time_seconds,
    jti: `${subject.connection_id}.${made.nonce}`,
    epoch: subject.epoch,
  }
}

const claimsSchema = z.object({
  iss: z.string(),
  sub: z.string(),
  aud: z.string(),
  client_id: z.string(),
  scope: z.string(),
  iat: z.int(),
  exp: z.int(),
  auth_time: z.int(),
  jti: z.string().check(z.regex(/^[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{16}$/)),
  epoch: z.int(),
})

/**
 * Reads verified claims; undefined when they are not an access token of this issuer. Whether it has expired is decided
 * by the database's clock.
 */
export function parseAccessTokenClaims(
  claims: Readonly<Record<string, unknown>> | undefined,
  issuer: string,
): AccessToken | undefined {
  const parsed = claimsSchema.safeParse(claims)
  if (!parsed.success || parsed.data.iss !== issuer) return undefined
  const { jti, sub, aud, client_id, scope, iat, exp, auth_time, epoch } = parsed.data
  const scopes = scope.split(' ').filter((token) => token !== '')
  return { connection_id: jti.slice(0, 22), jti, sub, aud, client_id, scopes, iat, exp, auth_time, epoch }
}
