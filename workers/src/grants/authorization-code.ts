import { digestsToCompare, digestToStore } from '../crypto/digest.ts'
import { s256 } from '../crypto/pkce.ts'
import { newSecret } from '../crypto/random.ts'
import { formatRefreshToken } from '../protocol/refresh-token.ts'
import type { AuthorizationCodeRequest } from '../protocol/token-request.ts'
import type { TokenResponse } from '../protocol/token-response.ts'
import { exchangeAuthorizationCode } from '../store/connections.ts'
import { grantRefused } from './grant-refused.ts'
import { type AuthenticatedClient, type GrantSettings, issueTokens } from './issue-tokens.ts'

/** The generation of a connection's first refresh token. */
const firstGeneration = 1

/**
 * Redeems an authorization code (OAuth 2.1 §4.1.3, RFC 7636 §4.6) in one database call.
 * @throws OAuthError invalid_grant, invalid_target or invalid_scope; nothing has changed then, but for a proven replay
 */
export async function redeemAuthorizationCode(
  settings: GrantSettings,
  { client, proof }: AuthenticatedClient,
  request: AuthorizationCodeRequest,
): Promise<TokenResponse> {
  const { connection_id, code } = request.code
  const refresh_token = formatRefreshToken(connection_id, firstGeneration, newSecret())
  const stored = await digestToStore(settings.tokenPeppers, 'refresh', refresh_token)
  const exchange = await exchangeAuthorizationCode(settings.store, {
    p_connection_id: connection_id,
    p_code_digests: await digestsToCompare(settings.tokenPeppers, 'code', code),
    p_client_id: client.client_id,
    p_client: proof,
    p_redirect_uri: request.redirect_uri ?? null,
    p_code_challenge: await s256(request.code_verifier),
    p_resource_candidates: request.resource?.candidates ?? null,
    p_scope: request.scope,
    p_refresh_digest: stored.digest,
    p_kid: stored.kid,
    p_request: settings.requestFacts,
  })
  if (exchange.outcome === 'code_replayed' && exchange.notice !== undefined) settings.onTheft(exchange.notice)
  if (exchange.outcome !== 'exchanged') throw grantRefused('code', exchange)
  const { connection } = exchange
  const refresh = connection.can_refresh ? refresh_token : undefined
  return issueTokens(settings, { connection, refresh_token: refresh, nonce: connection.nonce })
}
