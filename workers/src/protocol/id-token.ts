/** The `typ` of an ID token: never that of an access token (RFC 8725 §3.11). */
export const idTokenType = 'JWT'

export type IdTokenSubject = {
  readonly account_id: string
  readonly client_id: string
  readonly nonce?: string | undefined
  readonly auth_time_seconds: number
  readonly auth_method: string
  readonly issued_at_seconds: number
}

/** RFC 8176 §2 names for the ways to sign in. */
const authenticationMethods: Readonly<Record<string, readonly string[]>> = { email_code: ['otp'] }

/** The claims of an ID token (OpenID Connect Core §2); what there is to know of the person is at userinfo. */
export function idTokenClaims(
  subject: IdTokenSubject,
  made: { readonly issuer: string; readonly lifetimeSeconds: number },
) {
  const amr = authenticationMethods[subject.auth_method]
  return {
    iss: made.issuer,
    sub: subject.account_id,
    aud: subject.client_id,
    exp: subject.issued_at_seconds + made.lifetimeSeconds,
    iat: subject.issued_at_seconds,
    auth_time: subject.auth_time_seconds,
    ...(subject.nonce !== undefined && { nonce: subject.nonce }),
    ...(amr !== undefined && { amr }),
  }
}
