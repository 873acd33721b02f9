import { type OAuthError, refused } from '../protocol/errors.ts'
import { isReason } from '../protocol/reasons.ts'

/** Why a transaction cannot go on, as the database says it. */
export function gone(reason: string): OAuthError {
  return refused(isReason(reason) ? reason : 'transaction_unknown')
}
