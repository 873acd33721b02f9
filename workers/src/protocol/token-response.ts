import { formatScope } from './scope.ts'

export type TokenResponse = {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  readonly scope: string
  readonly refresh_token?: string
  readonly id_token?: string
}

/** The answer of the token endpoint (RFC 6749 §5.1); what is absent is left out, because `null` breaks clients. */
export function tokenResponse(issued: {
  readonly access_token: string
  readonly expires_in: number
  readonly scopes: readonly string[]
  readonly refresh_token: string | undefined
  readonly id_token: string | undefined
}): TokenResponse {
  const { access_token, expires_in, scopes, refresh_token, id_token } = issued
  return {
    access_token,
    token_type: 'Bearer',
    expires_in,
    // Always: clients that step up compare it with what they need (INTEROP 4.8).
    scope: formatScope(scopes),
    ...(refresh_token !== undefined && { refresh_token }),
    ...(id_token !== undefined && { id_token }),
  }
}
