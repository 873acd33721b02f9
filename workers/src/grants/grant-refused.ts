import { type OAuthError, refused } from '../protocol/errors.ts'
import type { ExchangeAuthorizationCodeOutcome, RotateRefreshTokenOutcome } from '../store/connections.ts'

type Refusal =
  | Exclude<ExchangeAuthorizationCodeOutcome, { outcome: 'exchanged' }>
  | Exclude<RotateRefreshTokenOutcome, { outcome: 'rotated' | 'retried' }>

/** Where the database gives no time: as long as its own window. */
const retryAfterSeconds = 60

/** What a client is told of a grant that the database refused: mostly the reason that has the outcome's own name. */
export function grantRefused(presented: 'code' | 'refresh', refusal: Refusal): OAuthError {
  switch (refusal.outcome) {
    case 'redirect_uri_mismatch':
      return refused('code_redirect_uri_mismatch')
    case 'resource_mismatch':
      return refused(`${presented}_resource_mismatch`)
    case 'client_blocked':
      return refused('connection_client_blocked')
    // Never unauthorized_client: real clients forget their registration for that.
    case 'client_not_allowed':
      return refused('connection_client_not_allowed')
    case 'limited':
      return refused('connection_limited', undefined, {
        retryAfterSeconds: refusal.retry_after_seconds ?? retryAfterSeconds,
      })
    default:
      return refused(refusal.outcome)
  }
}
