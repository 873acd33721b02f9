import type { Context, ErrorHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../context.ts'
import { errorBody, OAuthError, refused } from '../protocol/errors.ts'
import { StoreUnavailable } from '../store/client.ts'

/** Long enough for a database to come back, short enough that nobody starts a new sign-in meanwhile. */
const retryAfterSeconds = 5

/** The one place where errors become JSON (RFC 6749 §5.2). What went wrong inside is for the log line only (F24, M10). */
export const answerWithJson: ErrorHandler<AppEnv> = (error, c) => {
  if (error instanceof OAuthError) return oauthErrorAnswer(c, error)
  c.set('cause', error)
  // 503, because real clients forget their registration or loop on anything else (HTTP-API "Conventions").
  if (error instanceof StoreUnavailable) {
    return oauthErrorAnswer(c, refused('store_unavailable', undefined, { retryAfterSeconds }))
  }
  const description = `The server met an unexpected condition; tell its operator the request id ${c.var.requestId}`
  return oauthErrorAnswer(c, refused('server_error', description))
}

function oauthErrorAnswer(c: Context<AppEnv>, error: OAuthError): Response {
  if (c.var.reason === undefined) c.set('reason', error.reason)
  if (error.cause !== undefined) c.set('cause', error.cause)
  if (error.retryAfterSeconds !== undefined) c.header('Retry-After', error.retryAfterSeconds.toString())
  if (error.error === 'invalid_client') c.header('WWW-Authenticate', 'Basic realm="auth-agent-mcp", charset="UTF-8"')
  return c.json(errorBody(c.var.config.issuer, error), jsonStatus(error.status))
}

function jsonStatus(status: number): ContentfulStatusCode {
  const known = [400, 401, 403, 404, 405, 409, 413, 415, 421, 422, 429, 500, 503] as const
  return known.find((one) => one === status) ?? 400
}
