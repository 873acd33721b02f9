import { digestsToCompare, digestToStore } from '../crypto/digest.ts'
import { newSecret } from '../crypto/random.ts'
import { openSuccessor, sealSuccessor } from '../crypto/successor.ts'
import { formatRefreshToken } from '../protocol/refresh-token.ts'
import type { RefreshTokenRequest } from '../protocol/token-request.ts'
import type { TokenResponse } from '../protocol/token-response.ts'
import { rotateRefreshToken } from '../store/connections.ts'
import { grantRefused } from './grant-refused.ts'
import { type AuthenticatedClient, type GrantSettings, issueTokens } from './issue-tokens.ts'

/**
 * Uses a refresh token (RFC 6749 §6, OAuth 2.1 §4.3) in one database call: the current one is rotated, its immediate
 * predecessor gets the same successor again for a while, and any other that was once valid ends the connection
 * (SECURITY §18, §19).
 * @throws OAuthError invalid_grant, or 429 when this connection is refreshed too often
 */
export async function refreshTokens(
  settings: GrantSettings,
  { client, proof }: AuthenticatedClient,
  request: RefreshTokenRequest,
): Promise<TokenResponse> {
  const presented = request.refresh_token
  const candidate = formatRefreshToken(presented.connection_id, presented.generation + 1, newSecret())
  const stored = await digestToStore(settings.tokenPeppers, 'refresh', candidate)
  const rotation = await rotateRefreshToken(settings.store, {
    p_connection_id: presented.connection_id,
    p_generation: presented.generation,
    p_token_digests: await digestsToCompare(settings.tokenPeppers, 'refresh', presented.refresh_token),
    p_client_id: client.client_id,
    p_client: proof,
    p_resource_candidates: request.resource?.candidates ?? null,
    p_scope: request.scope,
    p_successor_digest: stored.digest,
    // Only the holder of the presented token can read it back: the row alone yields no token (G6).
    p_successor_ciphertext: await sealSuccessor(presented.refresh_token, candidate),
    p_kid: stored.kid,
    p_retry: settings.retry,
    p_request: settings.requestFacts,
  })
  switch (rotation.outcome) {
    case 'rotated':
      return issueTokens(settings, { connection: rotation.connection, refresh_token: candidate, nonce: undefined })
    case 'retried': {
      const successor = await openSuccessor(presented.refresh_token, rotation.successor_ciphertext)
      return issueTokens(settings, { connection: rotation.connection, refresh_token: successor, nonce: undefined })
    }
    case 'refresh_reused':
      settings.onTheft(rotation.notice)
      throw grantRefused('refresh', rotation)
    default:
      throw grantRefused('refresh', rotation)
  }
}
