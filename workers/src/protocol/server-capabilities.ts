// What this server can do, once: the metadata is made from this table and the code refuses by it, so that nothing is
// promised that is not there, nor done that is not told (THREATS K12).

import { assertionAlgorithms } from '../crypto/client-assertion.ts'

export const responseTypes = ['code'] as const
export const responseModes = ['query'] as const
export const grantTypes = ['authorization_code', 'refresh_token'] as const
export const codeChallengeMethods = ['S256'] as const
export const tokenEndpointAuthMethods = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
] as const
/** RFC 7523 §2.2: the only kind of client assertion. */
export const clientAssertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** Of client assertions; what jose verifies is this list (THREATS F15). */
export const clientAssertionAlgorithms = assertionAlgorithms
/**
 * The server id is the user name, its API key the password; the key may also be a bearer token (RFC 7662 §2.1), which this
 * list names by its token type (RFC 8414 §2).
 */
export const introspectionEndpointAuthMethods = ['client_secret_basic', 'Bearer'] as const
/** Of signed introspection answers (RFC 9701 §7). */
export const introspectionSigningAlgorithms = ['ES256'] as const
export const promptValues = ['login', 'consent', 'select_account'] as const
export const subjectTypes = ['public'] as const
export const idTokenSigningAlgorithms = ['ES256'] as const
export const idTokenClaims = ['iss', 'sub', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'amr', 'acr'] as const
/** OpenID Connect EAP ACR Values 1.0 §2: phishing-resistant, which is what passkeys are. */
export const acrValues = ['phr'] as const
export const userinfoClaims = ['sub', 'email', 'email_verified', 'name'] as const

export type GrantType = (typeof grantTypes)[number]
export type TokenEndpointAuthMethod = (typeof tokenEndpointAuthMethods)[number]

export function isGrantType(value: string): value is GrantType {
  return grantTypes.some((supported) => supported === value)
}
