// biome-ignore-all lint/performance/noBarrelFile: an entry of the package
import { type AuthInfo, OAuthError, OAuthErrorCode, type OAuthTokenVerifier } from '@modelcontextprotocol/server'
import type { Access } from './access.ts'
import { assertNever } from './assert-never.ts'
import { parseOptions } from './config.ts'
import { createCore } from './core.ts'
import { AuthAgentConfigError, type AuthAgentOptions } from './options.ts'
import { heldScopes } from './scopes.ts'
import type { User } from './user.ts'

export { AuthAgentConfigError, type AuthAgentOptions } from './options.ts'

const ABOUT_REQUESTS = [
  'requiredScopes',
  'toolScopes',
  'promptScopes',
  'resourceScopes',
  'filterLists',
  'maxBodyBytes',
  'allowedHosts',
  'allowedOrigins',
] as const

/** The options that are about tokens. A verifier never sees the request, so it cannot keep what the others promise. */
export type VerifierOptions = Omit<AuthAgentOptions, (typeof ABOUT_REQUESTS)[number]>

/**
 * A token verifier for the MCP packages' own `requireBearerAuth`. `scopes` of its answer holds implied ones as well,
 * `resource` is the audience, and who it is stands in `extra`: `sub`, `issuer`, `email`, `email_verified`.
 * @throws AuthAgentConfigError for a missing or mistaken option
 */
export function authAgentVerifier(options: VerifierOptions): OAuthTokenVerifier {
  const misplaced = ABOUT_REQUESTS.find((name) => name in options)
  if (misplaced !== undefined) {
    throw new AuthAgentConfigError(`${misplaced} is not an option of authAgentVerifier, which sees no request`)
  }
  const config = parseOptions(options)
  const core = createCore(config, () => Date.now())
  return Object.freeze({
    async verifyAccessToken(token: string): Promise<AuthInfo> {
      const resource = await core.readResource()
      if (resource === undefined) throw unavailable()
      const verification = await core.verifyToken.verify(token, resource.serverUrl)
      switch (verification.outcome) {
        case 'active':
          return describe({
            ...resource,
            user: verification.user,
            scopes: heldScopes(verification.user.scopes, config.scopeImplications),
          })
        case 'inactive':
          if (verification.misaddressed) core.report('misaddressed')
          throw invalid()
        case 'unavailable':
          core.report(verification.reason)
          throw unavailable()
        default:
          return assertNever(verification)
      }
    },
  })
}

/** What an MCP server's tools find in `ctx.http.authInfo`, for `handler.fetch(request, { authInfo })` or `request.auth`. */
export function toAuthInfo(access: Access): AuthInfo {
  return describe(access)
}

function describe({ user, scopes, serverUrl, metadataUrl }: Described): AuthInfo {
  const { sub, issuer, email, email_verified, client_id, expiresAtSeconds } = user
  return {
    // Kept back, so that no tool can pass it on (MCP 2026-07-28, Token Handling).
    token: '',
    clientId: client_id,
    scopes: [...scopes],
    expiresAt: expiresAtSeconds,
    resource: new URL(serverUrl),
    resourceMetadataUrl: metadataUrl,
    extra: { sub, issuer, ...(email === undefined ? {} : { email, email_verified }) },
  }
}

type Described = Readonly<{ user: User; scopes: ReadonlySet<string>; serverUrl: string; metadataUrl: string }>

function invalid(): OAuthError {
  const description = 'The access token is malformed, expired, revoked or meant for another server.'
  return new OAuthError(OAuthErrorCode.InvalidToken, description)
}

function unavailable(): OAuthError {
  const description = 'The authorization server could not be asked about this token. Please try again.'
  // Of the codes that `requireBearerAuth` knows, this is the one for which it does not blame the client.
  return new OAuthError(OAuthErrorCode.ServerError, description)
}
