// What this server can do, once: the metadata is made from this table and the code refuses by it, so that nothing is
// promised that is not there, nor done that is not told (THREATS K12).

export const responseTypes = ['code'] as const
export const responseModes = ['query'] as const
export const grantTypes = ['authorization_code', 'refresh_token'] as const
export const codeChallengeMethods = ['S256'] as const
export const tokenEndpointAuthMethods = ['none', 'client_secret_basic', 'client_secret_post'] as const
export const promptValues = ['login', 'consent', 'select_account'] as const
export const subjectTypes = ['public'] as const
export const idTokenSigningAlgorithms = ['ES256'] as const
export const idTokenClaims = ['iss', 'sub', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'amr', 'azp'] as const
export const userinfoClaims = ['sub', 'email', 'email_verified', 'name'] as const

export type GrantType = (typeof grantTypes)[number]
export type TokenEndpointAuthMethod = (typeof tokenEndpointAuthMethods)[number]

export function isGrantType(value: string): value is GrantType {
  return grantTypes.some((supported) => supported === value)
}
