import type { ReasonEntry } from './reason-entry.ts'
import { authorizationReasons } from './reasons-authorization.ts'
import { browserReasons } from './reasons-browser.ts'
import { managementReasons } from './reasons-management.ts'
import { ownerReasons } from './reasons-owner.ts'
import { registrationReasons } from './reasons-registration.ts'
import { requestReasons } from './reasons-request.ts'
import { tokenReasons } from './reasons-token.ts'

const everyReason = {
  ...authorizationReasons,
  ...browserReasons,
  ...tokenReasons,
  ...requestReasons,
  ...managementReasons,
  ...ownerReasons,
  ...registrationReasons,
} as const

/** The stable codes of refusals: in answers (as error_uri), in log lines and in audit events. */
export type Reason = keyof typeof everyReason

/** Every reason for which this server refuses anything; the errors page and docs/errors.md are made from it. */
export const reasons: Readonly<Record<Reason, ReasonEntry>> = everyReason

export function isReason(value: string): value is Reason {
  return Object.hasOwn(reasons, value)
}
