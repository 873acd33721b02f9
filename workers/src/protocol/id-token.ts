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

/** RFC 8176 §2 names for the ways to sign in. A passkey is a key, on a device that has made sure of its person. */
const authenticationMethods: Readonly<Record<string, readonly string[]>> = {
  email_code: ['otp'],
  passkey: ['pop', 'user', 'mfa'],
}

/** OpenID Connect EAP ACR Values 1.0 §2: what a passkey has and an e-mail code has not is that nobody can phish it. */
const contextClasses: Readonly<Record<string, string>> = { passkey: 'phr' }

/** The claims of an ID token (OpenID Connect Core §2); what there is to know of the person is at userinfo. */
export function idTokenClaims(
  subject: IdTokenSubject,
  made: { readonly issuer: string; readonly lifetimeSeconds: number },
) {
  const amr = authenticationMethods[subject.auth_method]
  const acr = contextClasses[subject.auth_method]
  return {
    iss: made.issuer,
    sub: subject.account_id,
    aud: subject.client_id,
    exp: subject.issued_at_seconds + made.lifetimeSeconds,
    iat: subject.issued_at_seconds,
    auth_time: subject.auth_time_seconds,
    ...(subject.nonce !== undefined && { nonce: subject.nonce }),
    ...(amr !== undefined && { amr }),
    ...(acr !== undefined && { acr }),
  }
}
