import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { RedirectLinkPage } from '../pages/redirect-link.tsx'
import { errorRedirect } from '../protocol/authorization-response.ts'
import type { OAuthError } from '../protocol/errors.ts'
import type { TrustedRedirect } from '../protocol/redirect-uri.ts'
import { htmlAnswer } from './html.ts'
import { toldReason } from './reason-text.ts'
import { frameOf } from './transaction-pages.tsx'

export type ErrorForClient = {
  readonly redirect: TrustedRedirect
  readonly error: OAuthError
  readonly state: string | undefined
}

/**
 * An error on its way to the client (RFC 6749 §4.1.2.1): by itself only where nobody can have registered the address
 * to lure people there, otherwise as a link on our page that names the host (SECURITY §12; A8, A9).
 */
export function errorToClient(
  c: Context<AppEnv>,
  { redirect, error, state }: ErrorForClient,
): Promise<Response> | Response {
  c.set('reason', error.reason)
  if (error.cause !== undefined) c.set('cause', error.cause)
  const { requestId } = c.var
  const href = errorRedirect(redirect, { issuer: c.var.config.issuer, state, error, requestId })
  if (redirect.redirectsErrors) return c.redirect(href, 303)
  const frame = frameOf(c)
  const told = toldReason(frame, error)
  const isDenied = error.reason === 'consent_denied'
  const page = RedirectLinkPage({
    frame,
    failure: isDenied
      ? null
      : {
          title: told.title,
          whatHappened: `${told.what_happened}.`,
          whatToDo: told.what_to_do,
          detail: told.detail ?? null,
        },
    href,
    host: redirect.label,
    reason: error.reason,
    requestId,
  })
  return htmlAnswer(c, page, { status: isDenied ? 200 : 400 })
}
