import type { Frame } from '../pages/layout.tsx'
import type { ReasonText } from '../pages/messages/en.ts'
import type { OAuthError } from '../protocol/errors.ts'
import { reasons } from '../protocol/reasons.ts'

/** What a page tells a person of a refusal; `detail` is the developer's sentence where it says more, in English. */
export type ToldReason = ReasonText & { readonly detail: string | undefined }

/** The words of a refusal in the language of the page. What only developers can mend need not be in every language. */
export function toldReason({ messages }: Frame, error: OAuthError): ToldReason {
  const known = reasons[error.reason]
  const own = messages.reasons[error.reason]
  const told = own ?? messages.reasons.any ?? known
  const saysMore = error.description !== known.what_happened || (own === undefined && told !== known)
  return { ...told, detail: saysMore ? error.description : undefined }
}
