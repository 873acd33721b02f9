import type { Context, ErrorHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../context.ts'
import { ErrorPage, type ErrorView } from '../pages/error.tsx'
import { OAuthError, refused } from '../protocol/errors.ts'
import { StoreUnavailable } from '../store/client.ts'
import { answerWithJson } from './errors.ts'
import { htmlAnswer } from './html.ts'
import { messagesOf } from './language.ts'
import { toldReason } from './reason-text.ts'
import { frameOf } from './transaction-pages.tsx'

type DeadEndOptions = { readonly next?: NonNullable<ErrorView['next']> }

/**
 * 401 asks a browser for credentials that a page cannot name; what is wrong with the request is 400 (THREATS A1), and so is
 * a stranger's host that does not answer: 503 is for trouble of our own.
 */
function pageStatus(error: OAuthError): ContentfulStatusCode {
  if (error.reason === 'client_document_unavailable') return 400
  const known = [400, 403, 404, 405, 413, 415, 421, 429, 500, 503] as const
  return known.find((status) => status === error.status) ?? 400
}

/** mcp-remote looks at its link before a person does, and mends a registration that is unknown here (INTEROP 4.6). */
function isAskedByProgram(c: Context<AppEnv>): boolean {
  const accept = c.req.header('accept') ?? ''
  return accept.includes('application/json') && !accept.includes('text/html')
}

/** No program led here: a person looked for a page of their own, or for one that is not there. */
function isOwnPage(c: Context<AppEnv>, { reason }: OAuthError): boolean {
  return reason === 'not_found' || /^\/(?:account|dashboard)(?:\/|$)/.test(c.req.path)
}

function usualWayOut(c: Context<AppEnv>, { reason }: OAuthError): ErrorView['next'] {
  const { dashboard, error } = messagesOf(c)
  if (c.req.path.startsWith('/dashboard/')) return { href: '/dashboard', label: dashboard.back }
  return reason === 'not_found' ? { href: '/', label: error.front_page } : undefined
}

/** Where nothing goes on by itself: a page with cause, way out, and reference. Never a redirect (RFC 6749 §4.1.2.1). */
export async function deadEnd(c: Context<AppEnv>, error: OAuthError, options: DeadEndOptions = {}): Promise<Response> {
  if (isAskedByProgram(c)) return answerWithJson(error, c)
  const frame = frameOf(c)
  const { title, what_happened, what_to_do, detail } = toldReason(frame, error)
  const next = options.next ?? usualWayOut(c, error)
  c.set('reason', error.reason)
  if (error.cause !== undefined) c.set('cause', error.cause)
  if (error.retryAfterSeconds !== undefined) c.header('Retry-After', error.retryAfterSeconds.toString())
  const page = ErrorPage({
    frame,
    title,
    whatHappened: `${what_happened}.`,
    whatToDo: what_to_do,
    reason: error.reason,
    requestId: c.var.requestId,
    helpers: isOwnPage(c, error) ? 'operator' : 'makers',
    ...(detail !== undefined && { detail }),
    ...(next !== undefined && { next }),
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
