import type { ErrorCode } from './reason-entry.ts'
import { type Reason, reasons } from './reasons.ts'

export type OAuthErrorOptions = {
  readonly reason: Reason
  readonly status: number
  /** For the Retry-After header of 429 and 503. */
  readonly retryAfterSeconds?: number | undefined
  /** For the log only. */
  readonly cause?: unknown
}

/** The JSON of an error answer (RFC 6749 §5.2). */
export type OAuthErrorBody = {
  readonly error: ErrorCode
  readonly error_description: string
  readonly error_uri: string
}

/** A rule that was not kept: `error` and `error_description` are for the caller's developer, `reason` for everybody. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly error: ErrorCode
  readonly description: string
  readonly reason: Reason
  readonly status: number
  readonly retryAfterSeconds: number | undefined

  constructor(error: ErrorCode, description: string, options: OAuthErrorOptions) {
    super(`${options.reason}: ${description}`, { cause: options.cause })
    this.error = error
    this.description = description
    this.reason = options.reason
    this.status = options.status
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/**
 * The error of a reason: code and status as the list has them; the description too, unless a better one is given.
 * `throw refused('code_expired')`
 */
export function refused(
  reason: Reason,
  description?: string,
  more: { readonly retryAfterSeconds?: number | undefined; readonly cause?: unknown } = {},
): OAuthError {
  const { error, status, what_happened } = reasons[reason]
  return new OAuthError(error, description ?? what_happened, { reason, status, ...more })
}

/** Where a reason is explained; with a reference, the page shows it to quote. */
export function errorUri(issuer: string, reason: Reason, reference?: string): string {
  return `${issuer}/errors${reference === undefined ? '' : `?reference=${reference}`}#${reason}`
}

export function errorBody(issuer: string, error: OAuthError): OAuthErrorBody {
  return {
    error: error.error,
    error_description: asErrorDescription(error.description),
    error_uri: errorUri(issuer, error.reason),
  }
}

/** RFC 6749 §5.2: printable ASCII without quote and backslash; anything else becomes a question mark. */
export function asErrorDescription(text: string): string {
  return text.replaceAll('"', "'").replace(/[^\x20-\x5b\x5d-\x7e]/g, '?')
}

/** The end of a switch over a union that has been dealt with whole. */
export function assertNever(value: never): never {
  throw new Error(`not dealt with: ${JSON.stringify(value)}`)
}
