import { isCodeVerifier } from '../crypto/pkce.ts'
import { type AuthorizationCode, parseAuthorizationCode } from './authorization-code.ts'
import { assertNever, OAuthError, refused } from './errors.ts'
import type { Parameters } from './parameters.ts'
import { isUriText } from './redirect-uri.ts'
import { parseRefreshToken, type RefreshToken } from './refresh-token.ts'
import { type IssuerFacts, parseResource, type RequestedResource } from './resource.ts'
import { parseScope } from './scope.ts'
import { isGrantType } from './server-capabilities.ts'

/** RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 8707 §2.2. */
export type AuthorizationCodeRequest = {
  readonly grant_type: 'authorization_code'
  readonly code: AuthorizationCode
  readonly code_verifier: string
  readonly redirect_uri: string | undefined
  readonly resource: RequestedResource | undefined
  readonly scope: readonly string[] | null
}

/** RFC 6749 §6. */
export type RefreshTokenRequest = {
  readonly grant_type: 'refresh_token'
  readonly refresh_token: RefreshToken
  readonly resource: RequestedResource | undefined
  readonly scope: readonly string[] | null
}

export type TokenRequest = AuthorizationCodeRequest | RefreshTokenRequest

/** What can be no redirect URI is not the one of the authorization either; the database could not even be asked about it. */
function readRedirectUri(parameters: Parameters): string | undefined {
  const redirect_uri = parameters.get('redirect_uri')
  if (redirect_uri !== undefined && !isUriText(redirect_uri)) throw refused('code_redirect_uri_mismatch')
  return redirect_uri
}

function parseCodeRequest(parameters: Parameters, issuer: IssuerFacts): AuthorizationCodeRequest {
  const code = parameters.get('code')
  if (code === undefined) throw refused('code_missing')
  const code_verifier = parameters.get('code_verifier')
  if (code_verifier === undefined) throw refused('code_verifier_missing')
  if (!isCodeVerifier(code_verifier)) throw refused('code_verifier_malformed')
  const parsed = parseAuthorizationCode(code)
  if (parsed === undefined) throw refused('code_unknown')
  return {
    grant_type: 'authorization_code',
    code: parsed,
    code_verifier,
    redirect_uri: readRedirectUri(parameters),
    resource: parseResource(parameters.all('resource'), issuer),
    scope: parseScope(parameters.get('scope')),
  }
}

function parseRefreshResource(parameters: Parameters, issuer: IssuerFacts): RequestedResource | undefined {
  try {
    return parseResource(parameters.all('resource'), issuer)
  } catch (error) {
    // Clients stall on invalid_target at refresh, but start over on invalid_grant (INTEROP 4.2).
    if (error instanceof OAuthError) throw refused('refresh_resource_mismatch')
    throw error
  }
}

function parseRefreshRequest(parameters: Parameters, issuer: IssuerFacts): RefreshTokenRequest {
  const refresh_token = parameters.get('refresh_token')
  if (refresh_token === undefined) throw refused('refresh_token_missing')
  const parsed = parseRefreshToken(refresh_token)
  if (parsed === undefined) throw refused('refresh_unknown')
  return {
    grant_type: 'refresh_token',
    refresh_token: parsed,
    resource: parseRefreshResource(parameters, issuer),
    scope: parseScope(parameters.get('scope')),
  }
}

/**
 * Reads a token request (RFC 6749 §4.1.3, §6). The client is authenticated elsewhere.
 * @throws OAuthError
 */
export function parseTokenRequest(parameters: Parameters, issuer: IssuerFacts): TokenRequest {
  const grant_type = parameters.get('grant_type')
  if (grant_type === undefined) throw refused('grant_type_missing')
  if (!isGrantType(grant_type)) throw refused('grant_type_unsupported')
  switch (grant_type) {
    case 'authorization_code':
      return parseCodeRequest(parameters, issuer)
    case 'refresh_token':
      return parseRefreshRequest(parameters, issuer)
    default:
      return assertNever(grant_type)
  }
}
