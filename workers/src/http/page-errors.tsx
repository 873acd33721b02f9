import type { Context, ErrorHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../context.ts'
import { ErrorPage, type ErrorView } from '../pages/error.tsx'
import { OAuthError, refused } from '../protocol/errors.ts'
import { reasons } from '../protocol/reasons.ts'
import { StoreUnavailable } from '../store/client.ts'
import { htmlAnswer } from './html.ts'
import { frameOf } from './transaction-pages.tsx'

type DeadEndOptions = { readonly next?: NonNullable<ErrorView['next']> }

/** 401 asks a browser for credentials that a page cannot name; what is wrong with the request is 400 (THREATS A1). */
function pageStatus(error: OAuthError): ContentfulStatusCode {
  const known = [400, 403, 404, 405, 413, 415, 421, 429, 500, 503] as const
  return known.find((status) => status === error.status) ?? 400
}

/** Where nothing goes on by itself: a page with cause, way out, and reference. Never a redirect (RFC 6749 §4.1.2.1). */
export function deadEnd(c: Context<AppEnv>, error: OAuthError, options: DeadEndOptions = {}): Promise<Response> {
  const { title, what_happened, what_to_do } = reasons[error.reason]
  c.set('reason', error.reason)
  if (error.cause !== undefined) c.set('cause', error.cause)
  if (error.retryAfterSeconds !== undefined) c.header('Retry-After', error.retryAfterSeconds.toString())
  const page = ErrorPage({
    frame: frameOf(c),
    title,
    whatHappened: `${what_happened}.`,
    whatToDo: what_to_do,
    reason: error.reason,
    requestId: c.var.requestId,
    ...(error.description !== what_happened && { detail: error.description }),
    ...(options.next !== undefined && { next: options.next }),
  })
  return htmlAnswer(c, page, { status: pageStatus(error) })
}

const retryAfterSeconds = 5

/** The same verdicts as for programs, as a page for people. */
export const answerWithPage: ErrorHandler<AppEnv> = (error, c) => {
  if (error instanceof OAuthError) return deadEnd(c, error)
  c.set('cause', error)
  const reason = error instanceof StoreUnavailable ? 'store_unavailable' : 'server_error'
  return deadEnd(c, refused(reason, undefined, reason === 'store_unavailable' ? { retryAfterSeconds } : {}))
}
